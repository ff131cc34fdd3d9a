// Grouped bars on a logarithmic scale, as SVG: for figures that differ by orders of magnitude.

export interface BarGroup {
  readonly name: string;
  /** By name of the series; what is missing is not drawn. */
  readonly values: Readonly<Record<string, number>>;
}

export interface BarSeries {
  readonly name: string;
  readonly colour: string;
}

const width = 960;
const height = 440;
const margin = { top: 64, right: 24, bottom: 52, left: 84 };

/** @param unit shown above the axis */
export function plotBars(
  title: string,
  unit: string,
  series: readonly BarSeries[],
  groups: readonly BarGroup[],
): string {
  const values = groups.flatMap((group) => series.map(({ name }) => group.values[name] ?? Number.NaN));
  const drawable = values.filter((value) => value > 0 && Number.isFinite(value));
  const low = Math.floor(Math.log10(Math.min(1, ...drawable)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1, ...drawable))));
  const y = (value: number) => {
    const share = (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low);
    return height - margin.bottom - share * (height - margin.top - margin.bottom);
  };
  const groupWidth = (width - margin.left - margin.right) / groups.length;
  const barWidth = Math.min(48, (groupWidth * 0.84) / series.length);
  const grid = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at)).map(
    (value) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${fixed(y(value))}" y2="${fixed(y(value))}" stroke="#ddd"/>` +
      `<text x="${margin.left - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${shown(value)}</text>`,
  );
  const bars = groups.flatMap((group, at) => {
    const middle = margin.left + (at + 0.5) * groupWidth;
    const left = middle - (barWidth * series.length) / 2;
    const drawn = series.flatMap(({ name, colour }, position) => {
      const value = group.values[name];
      if (value === undefined || !(value > 0)) return [];
      const x = left + position * barWidth;
      const top = y(value);
      return [
        `<rect x="${fixed(x + 1)}" y="${fixed(top)}" width="${fixed(barWidth - 2)}" height="${fixed(Math.max(1, height - margin.bottom - top))}" fill="${colour}"/>`,
        `<text x="${fixed(x + barWidth / 2)}" y="${fixed(top - 4)}" text-anchor="middle" font-size="9.5">${shown(value)}</text>`,
      ];
    });
    return [
      ...drawn,
      `<text x="${fixed(middle)}" y="${height - margin.bottom + 20}" text-anchor="middle">${escaped(group.name)}</text>`,
    ];
  });
  const legend = series.map(
    ({ name, colour }, at) =>
      `<rect x="${margin.left + at * 170}" y="32" width="12" height="12" fill="${colour}"/><text x="${margin.left + at * 170 + 18}" y="42">${escaped(name)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${margin.left}" y="20" font-size="14">${escaped(title)}</text>
${[...legend, ...grid, ...bars].join('\n')}
<text x="16" y="${margin.top - 8}">${escaped(unit)}</text>
</svg>
`;
}

/** Three digits at most: 0.12, 4.6, 870, 29k. */
export function shown(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000)}k`;
  if (value >= 1000) return `${Number((value / 1000).toPrecision(2))}k`;
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(2)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function fixed(value: number): string {
  return value.toFixed(1);
}
