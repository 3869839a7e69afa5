export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS_TEXT = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Does the client ask for OpenMetrics at least as much as for plain text? */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  const openMetrics = qualityOf('application/openmetrics-text', accept ?? '');
  return openMetrics > 0 && openMetrics >= qualityOf('text/plain', accept ?? '');
}

/**
 * Prometheus' text as OpenMetrics. Not with prom-client's own: it renames its counters for good when it
 * writes them, so that the next plain text would lack their `_total`.
 */
export function toOpenMetrics(text: string): string {
  const counters = new Set(Array.from(text.matchAll(/^# TYPE (\S+)_total counter$/gm), (match) => match[1]!));
  const lines = text.split('\n').filter((line) => line !== '');
  return [...lines.map((line) => withoutTotal(line, counters)), '# EOF', ''].join('\n');
}

function withoutTotal(line: string, counters: ReadonlySet<string>): string {
  const match = /^# (HELP|TYPE) (\S+)_total (.*)$/.exec(line);
  return match && counters.has(match[2]!) ? `# ${match[1]} ${match[2]} ${match[3]}` : line;
}

function qualityOf(type: string, accept: string): number {
  const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  const range = ranges.find(([name]) => name === type);
  if (!range) return 0;
  const q = range.find((part) => part.startsWith('q='));
  return q ? Number(q.slice(2)) || 0 : 1;
}
