// Numbers over time → an SVG anyone can open.

export interface Series {
  readonly name: string;
  readonly colour: string;
  /** One value per second. */
  readonly values: readonly number[];
}

const width = 960;
const height = 420;
const margin = { top: 50, right: 30, bottom: 50, left: 70 };

/** A line chart over seconds, from zero up. */
export function plotOverTime(title: string, unit: string, series: readonly Series[]): string {
  const seconds = Math.max(1, ...series.map(({ values }) => values.length - 1));
  const step = niceStep(Math.max(1, ...series.flatMap(({ values }) => values)) / 5);
  const most = step * Math.ceil(Math.max(1, ...series.flatMap(({ values }) => values)) / step);
  const x = (second: number) => margin.left + (second / seconds) * (width - margin.left - margin.right);
  const y = (value: number) => height - margin.bottom - (value / most) * (height - margin.top - margin.bottom);
  const secondStep = niceStep(seconds / 10);
  const across = Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step).map(
    (value) =>
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${fixed(y(value))}" y2="${fixed(y(value))}" stroke="#ddd"/>` +
      `<text x="${margin.left - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${value}</text>`,
  );
  const along = Array.from({ length: Math.floor(seconds / secondStep) + 1 }, (_, at) => at * secondStep).map(
    (second) =>
      `<text x="${fixed(x(second))}" y="${height - margin.bottom + 20}" text-anchor="middle">${second}</text>`,
  );
  const lines = series.map(({ colour, values }) => {
    const points = values.map((value, second) => `${fixed(x(second))},${fixed(y(value))}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  });
  const legend = series.map(
    ({ name, colour }, at) =>
      `<rect x="${margin.left + at * 220}" y="30" width="12" height="4" fill="${colour}"/><text x="${margin.left + at * 220 + 18}" y="36">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${margin.left}" y="20" font-size="14">${title}</text>
${[...legend, ...across, ...along, ...lines].join('\n')}
<text x="${width / 2}" y="${height - 10}" text-anchor="middle">seconds</text>
<text x="16" y="${margin.top - 8}">${unit}</text>
</svg>
`;
}

export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A line chart over a few whole numbers, from zero up. */
export function plotLines(title: string, xName: string, unit: string, lines: readonly Line[]): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const [least = 0, last = 1] = [xs[0], xs.at(-1)];
  const highest = Math.max(1, ...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const step = niceStep(highest / 5);
  const most = step * Math.ceil(highest / step);
  const place = (x: number) =>
    margin.left + ((x - least) / Math.max(1, last - least)) * (width - margin.left - margin.right);
  const rise = (y: number) => height - margin.bottom - (y / most) * (height - margin.top - margin.bottom);
  const drawn = [
    ...Array.from({ length: Math.round(most / step) + 1 }, (_, at) => at * step).map(
      (value) =>
        `<line x1="${margin.left}" x2="${width - margin.right}" y1="${fixed(rise(value))}" y2="${fixed(rise(value))}" stroke="#ddd"/>` +
        `<text x="${margin.left - 8}" y="${fixed(rise(value) + 4)}" text-anchor="end">${value}</text>`,
    ),
    ...xs.map(
      (x) => `<text x="${fixed(place(x))}" y="${height - margin.bottom + 20}" text-anchor="middle">${x}</text>`,
    ),
    ...lines.map(({ colour, points }) => {
      const at = points.map(([x, y]) => `${fixed(place(x))},${fixed(rise(y))}`).join(' ');
      return `<polyline points="${at}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    }),
    ...lines.map(
      ({ name, colour }, at) =>
        `<rect x="${margin.left + at * 200}" y="30" width="12" height="4" fill="${colour}"/><text x="${margin.left + at * 200 + 18}" y="36">${name}</text>`,
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${margin.left}" y="20" font-size="14">${title}</text>
${drawn.join('\n')}
<text x="${width / 2}" y="${height - 10}" text-anchor="middle">${xName}</text>
<text x="16" y="${margin.top - 8}">${unit}</text>
</svg>
`;
}

/** 1, 2 or 5 times a power of ten, at least `atLeast` and at least 1. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, atLeast)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= atLeast) ?? 10 * power;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
