import type { Params } from 'nestjs-pino';
import type { Settings } from '../settings/settings';

/** The service's own structured log, on standard output: JSON lines. */
export function loggerOptions(settings: Settings): Params {
  return {
    pinoHttp: {
      level: settings.logLevel,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      base: undefined,
      // Requests that change something are logged by logChanges, with what matters of them and nothing secret.
      autoLogging: false,
      quietReqLogger: true,
      genReqId: (request) => request.id,
    },
  };
}
