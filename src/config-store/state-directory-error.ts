/** Why the state directory can't be used, in one line that says what to do. The service does not start. */
export class StateDirectoryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StateDirectoryError';
  }
}
