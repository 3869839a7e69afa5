/** The npm package brings no types of its own. */
declare module 'supervisord' {
  interface RpcError extends Error {
    faultCode?: number;
    faultString?: string;
  }
  interface SupervisordClient {
    readonly client: { options: Record<string, unknown> };
    _call(method: string, args: unknown[], callback: (error: RpcError | null, result: unknown) => void): void;
  }
  function connect(url: string): SupervisordClient;
}
