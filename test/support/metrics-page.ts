// The page of metrics, read strictly by the rules of Prometheus' text format 0.0.4.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const typeLine = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/;
const helpLine = /^# HELP ([a-zA-Z_:][\w:]*) (.*)$/;
const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\n"])*)"(,|$)/y;

/** Throws on a line that is neither a comment nor a sample, on a sample of no declared family, and on a series that is there twice. */
export function parseMetrics(text: string): Sample[] {
  if (!text.endsWith('\n')) throw new Error('The last line does not end.');
  const types = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || helpLine.test(line)) continue;
    const type = typeLine.exec(line);
    if (type) {
      if (types.has(type[1] ?? '')) throw new Error(`Declared twice: ${line}`);
      types.set(type[1] ?? '', type[2] ?? '');
      continue;
    }
    const [, name = '', labelText = '', valueText = ''] = sampleLine.exec(line) ?? [];
    const labels = parseLabels(labelText);
    const value = Number(valueText.replace(/^([+-]?)Inf$/, '$1Infinity'));
    if (name === '' || labels === undefined || (Number.isNaN(value) && valueText !== 'NaN'))
      throw new Error(`Not a sample: ${line}`);
    if (!types.has(name) && !types.has(name.replace(/_(bucket|sum|count)$/, '')))
      throw new Error(`Of no declared family: ${line}`);
    const series = `${name}{${labelText}}`;
    if (seen.has(series)) throw new Error(`There twice: ${line}`);
    seen.add(series);
    samples.push({ name, labels, value });
  }
  return samples;
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  label.lastIndex = 0;
  while (label.lastIndex < text.length) {
    const found = label.exec(text);
    if (!found) return undefined;
    labels[found[1] ?? ''] = found[2] ?? '';
  }
  return labels;
}

/** The sum over all series with the name and these labels. */
export function sumOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samples
    .filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

export async function fetchMetrics(operationsUrl: string): Promise<Sample[]> {
  return parseMetrics(await (await fetch(`${operationsUrl}/metrics`)).text());
}
