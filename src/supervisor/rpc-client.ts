import { Agent } from 'node:http';
import { connect, type SupervisordClient } from 'supervisord';
import { SupervisorFault, unreachable } from './faults';

/** Milliseconds after which a call counts as unanswered: a frozen supervisord answers nothing for ever. */
const DEADLINE_MS = 5000;

/** XML-RPC to one supervisord: the npm client with promises, deadlines and typed faults. */
export class RpcClient {
  private readonly client: SupervisordClient;
  private agent = this.freshAgent();

  /** @param url `unix:///path` or `http://user:pass@host:port` */
  constructor(
    url: string,
    /** Sees to it that the address can be reached, should somebody have deleted a socket file. */
    private readonly repair: () => void = () => undefined,
  ) {
    this.client = connect(url);
    this.client.client.options.agent = this.agent;
  }

  /**
   * @param method with its namespace, e.g. `supervisor.startProcess`
   * @throws SupervisorFault; DaemonError SUPERVISORD_ERROR when there is no answer
   */
  async call<T>(method: string, ...args: unknown[]): Promise<T> {
    this.repair();
    return await new Promise<T>((resolve, reject) => {
      const deadline = setTimeout(() => {
        reject(unreachable(`no answer to ${method} in ${DEADLINE_MS / 1000} s`));
        this.dropConnections();
      }, DEADLINE_MS);
      this.client._call(method, args, (error, result) => {
        clearTimeout(deadline);
        if (!error) resolve(result as T);
        else if (typeof error.faultCode === 'number')
          reject(new SupervisorFault(error.faultCode, error.faultString ?? error.message));
        else reject(unreachable(error.message));
      });
    });
  }

  /** Ends all connections; calls under way fail. */
  dropConnections(): void {
    this.agent.destroy();
    this.agent = this.freshAgent();
    this.client.client.options.agent = this.agent;
  }

  /* A kept connection saves supervisord one turn of its loop per call. */
  private freshAgent(): Agent {
    return new Agent({ keepAlive: true, maxSockets: 16, timeout: 60_000 });
  }
}
