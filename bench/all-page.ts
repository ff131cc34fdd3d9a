// Reports and drawings → one page a person would read, complete in itself.

import type { Row } from './figures.ts';
import { machineText, type Report } from './report.ts';

export interface Drawing {
  readonly name: string;
  readonly svg: string;
}

export interface Shown {
  /** As it is run: npm run bench -- <name>. */
  readonly name: string;
  readonly report: Report;
  readonly drawings: readonly Drawing[];
  /** A file beside the page that says more. */
  readonly details?: string;
}

interface Headline {
  readonly figure: string;
  readonly text: string;
}

export function pageOf(all: readonly Shown[]): string {
  const headlines = all.flatMap(headlinesOf);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Zerohop, measured</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Zerohop, measured</h1>
<p class="lead">Every figure on this page was written by a benchmark on the machine named beside it. Targets that were missed are shown as missed.</p>
<section class="headlines">${headlines.map(({ figure, text }) => `<div><strong>${escaped(figure)}</strong><span>${escaped(text)}</span></div>`).join('')}</section>
<nav>${all.map(({ name }) => `<a href="#${escaped(name)}">${escaped(title(name))}</a>`).join('')}</nav>
${all.map(section).join('\n')}
<section id="again">
<h2>Run them yourself</h2>
<p>Linux with two cores or more, Node 20, and from Debian or Ubuntu <code>wrk</code>, <code>postgresql</code> and <code>nats-server</code>.</p>
<pre>npm ci
npm run bench -- all          # everything, and this page: over an hour
${all.map(({ name }) => `npm run bench -- ${escaped(name)}`).join('\n')}
npm run bench -- page         # this page alone, of the results that are there</pre>
<p><a href="../README.md">What each row means, and how it is measured</a></p>
</section>
</main>
</body>
</html>
`;
}

/** What a reader in a hurry should know, when it was measured. Of several rows, the one with the least ratio. */
const headlineRows: readonly {
  readonly of: string;
  readonly row: RegExp;
  readonly headline: (row: Row) => Headline;
}[] = [
  {
    of: 'shop',
    row: /^saturated, PDP, .* against microservices$/,
    headline: (row) => ({
      figure: `${times(row)} ×`,
      text: 'the product pages a second of the same shop as microservices, at any number of users',
    }),
  },
  {
    of: 'shop',
    row: /^saturated, PDP, .* against monolith$/,
    headline: (row) => ({
      figure: `${times(row)} ×`,
      text: 'those of the same shop as one Fastify process with PostgreSQL, at any number of users',
    }),
  },
  {
    of: 'shop',
    row: /^thinking, PDP, 2000 users, p50$/,
    headline: (row) => ({
      figure: `${shown(row.value)} ms`,
      text: `half of all product pages are there by then, with 2,000 users; microservices: ${shown(row.rivalValue ?? Number.NaN)} ms`,
    }),
  },
  {
    of: 'shop',
    row: /^unified: failed requests/,
    headline: (row) => ({
      figure: shown(row.value),
      text: `requests to the shop on one node failed, ${row.note ?? ''}`,
    }),
  },
  {
    of: 'node',
    row: /^GET \/Product\/<id>$/,
    headline: (row) => ({ figure: shown(row.value), text: 'records a second over HTTP from one core' }),
  },
  {
    of: 'node',
    row: /^POST \/Item\/, durable$/,
    headline: (row) => ({ figure: shown(row.value), text: 'inserts a second, each on disk before it is answered' }),
  },
  {
    of: 'node',
    row: /^start → first answer$/,
    headline: (row) => ({
      figure: `${shown(row.value)} ms`,
      text: 'from the start of the process to the first answer',
    }),
  },
  {
    of: 'replication',
    row: /^direct against the broker, mean of all$/,
    headline: (row) => ({
      figure: `${shown(row.ratio ?? row.value)} ×`,
      text: 'the replicated writes of the same nodes with a broker',
    }),
  },
];

function headlinesOf({ name, report }: Shown): Headline[] {
  return headlineRows.flatMap(({ of, row, headline }) => {
    const [found] =
      of === name
        ? report.rows.filter((each) => row.test(each.name)).sort((a, b) => (a.ratio ?? 0) - (b.ratio ?? 0))
        : [];
    return found ? [headline(found)] : [];
  });
}

/** More rows than this are folded away below the drawings. */
const rowsInSight = 14;

function section({ name, report, drawings, details }: Shown): string {
  const judged = report.rows.filter(({ met }) => met !== undefined);
  const missed = judged.filter(({ met }) => met === false);
  const table = rowsTable(report.rows);
  return `<section id="${escaped(name)}">
<h2>${escaped(title(name))}</h2>
<p class="about">${escaped(report.date.slice(0, 10))} · commit ${escaped(report.commit)} · <code>npm run bench -- ${escaped(name)}</code>${details ? ` · <a href="${escaped(details)}">the whole report</a>` : ''}<br>${escaped(machineText(report.machine)).replaceAll('\n', '<br>')}</p>
${judged.length > 0 ? `<p>${judged.length - missed.length} of ${judged.length} targets met.${missed.length > 0 ? ` <span class="missed">Missed: ${missed.map((row) => escaped(row.name)).join('; ')}.</span>` : ''}</p>` : ''}
${(report.failures ?? []).map((failure) => `<p class="missed">Could not be measured: ${escaped(failure)}</p>`).join('\n')}
<div class="drawings">${drawings.map(({ name: drawing, svg }) => `<figure role="img" aria-label="${escaped(drawing)}">${svg}</figure>`).join('\n')}</div>
${report.rows.length > rowsInSight ? `<details><summary>All ${report.rows.length} figures</summary>${table}</details>` : table}
</section>`;
}

function rowsTable(rows: readonly Row[]): string {
  return `<div class="table"><table><thead><tr><th>what</th><th>median</th><th>min – max</th><th>against</th><th>ratio</th><th>target</th><th></th></tr></thead><tbody>${rows
    .map(
      (row) =>
        `<tr><td>${escaped(row.name)}${row.note ? `<small>${escaped(row.note)}</small>` : ''}</td><td>${shown(row.value)} ${escaped(row.unit)}</td><td>${shown(row.min)} – ${shown(row.max)}</td><td>${row.rival === undefined ? '' : `${shown(row.rivalValue ?? Number.NaN)} ${escaped(row.rival)}`}</td><td>${row.ratio === undefined ? '' : `${shown(row.ratio)} ×`}</td><td>${escaped(row.target ?? '')}</td><td>${row.met === undefined ? '' : row.met ? '<b class="met">met</b>' : '<b class="missed">missed</b>'}</td></tr>`,
    )
    .join('')}</tbody></table></div>`;
}

const titles: Readonly<Record<string, string>> = {
  shop: 'The shop: one node, a monolith, microservices',
  node: 'One node',
  replication: 'Replication',
  security: 'Access control',
  soak: 'Ten minutes of mixed load',
};

function title(name: string): string {
  return titles[name] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

function times({ ratio }: Row): string {
  return ratio === undefined ? '–' : shown(Math.floor(ratio));
}

function shown(value: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 12 : 3 })
    : '–';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

const style = `
:root { color-scheme: light dark; --text: #1c1917; --soft: #57534e; --line: #e7e5e4; --ground: #fafaf9; --card: #fff; --good: #0f766e; --bad: #be123c; }
@media (prefers-color-scheme: dark) { :root { --text: #f5f5f4; --soft: #a8a29e; --line: #44403c; --ground: #1c1917; --card: #292524; --good: #2dd4bf; --bad: #fb7185; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 48px 20px 96px; }
h1 { font-size: 40px; line-height: 1.1; letter-spacing: -0.02em; margin: 0 0 8px; }
h2 { font-size: 24px; margin: 64px 0 4px; letter-spacing: -0.01em; }
.lead { font-size: 18px; color: var(--soft); max-width: 640px; margin: 0 0 32px; }
.about, small { color: var(--soft); font-size: 13px; }
small { display: block; max-width: 44ch; }
.headlines { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 12px; }
.headlines div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; }
.headlines strong { display: block; font-size: 32px; line-height: 1.2; letter-spacing: -0.02em; color: var(--good); }
.headlines span { color: var(--soft); font-size: 14px; }
nav { display: flex; flex-wrap: wrap; gap: 8px 20px; margin: 28px 0 0; }
a { color: inherit; text-underline-offset: 3px; }
.drawings { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 720px), 1fr)); gap: 12px; margin: 12px 0; }
figure { margin: 0; background: #fff; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
figure svg { display: block; width: 100%; height: auto; }
@media (max-width: 640px) { figure { overflow-x: auto; } figure svg { width: 44rem; } }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:nth-child(n + 2) { white-space: nowrap; }
.met { color: var(--good); font-weight: 600; }
.missed { color: var(--bad); }
summary { cursor: pointer; padding: 8px 0; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; overflow-x: auto; font-size: 14px; }
`;
