/** A setting that can't be used. The message is one line that names the variable and says what it takes. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message.replace(/\s*[\r\n]+\s*/g, ' '));
    this.name = 'SettingsError';
  }
}
