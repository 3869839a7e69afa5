export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const SUFFIXES: Record<string, RegExp> = { histogram: /_(bucket|sum|count)$/, summary: /_(sum|count)$/ };

/** Reads Prometheus' text as strictly as promtool. @throws Error that names the line */
export function parseExposition(text: string): Sample[] {
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const seen = new Set<string>();
  const finished = new Set<string>();
  let family = '';
  const samples: Sample[] = [];
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword) {
      if (!METRIC_NAME.test(name!)) fail('bad name');
      if (name !== family) {
        finished.add(family);
        family = name!;
        if (finished.has(family)) fail('a family in two places');
      }
      if (keyword === 'TYPE') {
        if (types.has(name!)) fail('two types');
        types.set(name!, rest!);
        if (rest === 'counter' && !name!.endsWith('_total')) fail('a counter without _total');
      } else if (helps.has(name!)) fail('two helps');
      else helps.add(name!);
      continue;
    }
    const [, sampleName, labelText = '', valueText] = SAMPLE.exec(line) ?? fail('no sample');
    const base = sampleName!.replace(SUFFIXES[types.get(family) ?? ''] ?? /$^/, '');
    if (base !== family) fail('a sample outside of its family');
    const value = valueText === '+Inf' ? Infinity : Number(valueText);
    // As Go's ParseFloat, which Prometheus uses.
    if (Number.isNaN(value) && valueText!.toLowerCase() !== 'nan') fail('no number');
    const labels: Record<string, string> = {};
    LABEL.lastIndex = 0;
    for (let at = 0; at < labelText.length; at = LABEL.lastIndex) {
      const [, label, content] = LABEL.exec(labelText) ?? fail('bad labels');
      if (label! in labels) fail('a label twice');
      labels[label!] = content!;
    }
    const series = sampleName + JSON.stringify(Object.entries(labels).sort());
    if (seen.has(series)) fail('a series twice');
    seen.add(series);
    samples.push({ name: sampleName!, labels, value });
  }
  for (const name of types.keys()) if (!helps.has(name)) throw new Error(`no help for ${name}`);
  return samples;
}
