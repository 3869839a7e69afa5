import { Logger, PinoLogger } from 'nestjs-pino';
import type { Settings } from '../settings/settings';
import { loggerOptions } from './logger-options';

/** The service's log from the first moment on, before there is an injector. */
export class ServiceLogger extends Logger {
  constructor(settings: Settings) {
    const options = loggerOptions(settings);
    super(new PinoLogger(options), options);
  }

  /** Why the service could not start is said once, in one line, by whoever started it. */
  override error(message: unknown, ...details: unknown[]): void {
    if (details.at(-1) !== 'ExceptionHandler') super.error(message, ...details);
  }
}
