import type { Params } from 'nestjs-pino';
import type { Settings } from '../settings/settings';

/** The service's own structured log, on standard output: JSON lines. */
export function loggerOptions(settings: Settings): Params {
  return {
    // No logger of its own for each request: what is logged of one names its request_id itself.
    forRoutes: [],
    pinoHttp: {
      level: settings.logLevel,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      base: undefined,
    },
  };
}
