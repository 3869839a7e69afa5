import { Logger, PinoLogger } from 'nestjs-pino';
import type { Settings } from '../settings/settings';
import { loggerOptions } from './logger-options';

/** Where Nest tells how it puts itself together: of interest to who works on the service, not to who runs it. */
const FRAMEWORK = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** The service's log from the first moment on, before there is an injector. */
export class ServiceLogger extends Logger {
  constructor(settings: Settings) {
    const options = loggerOptions(settings);
    super(new PinoLogger(options), options);
  }

  override log(message: unknown, ...details: unknown[]): void {
    if (FRAMEWORK.has(details.at(-1) as string)) super.debug(message, ...details);
    else super.log(message, ...details);
  }

  /** Why the service could not start is said once, in one line, by whoever started it. */
  override error(message: unknown, ...details: unknown[]): void {
    if (details.at(-1) !== 'ExceptionHandler') super.error(message, ...details);
  }
}
