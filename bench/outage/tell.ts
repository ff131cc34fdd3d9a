// What came of the drill, as a table by phase and as drawings by second.

import { plotOverTime, type Series } from '../plot.ts';
import type { Drilled } from './drill.ts';
import type { Plan } from './plan.ts';
import type { Figures } from './seconds.ts';

type Contenders = Readonly<Record<'Zerohop' | 'nginx', Drilled>>;

const headings = [
  'phase',
  'cache',
  'requests/s',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'max ms',
  'errors',
  'fresh %',
  'stale %',
  'from origin %',
  'too old',
  'oldest s',
  'origin requests/s, most',
];

/** A table in Markdown: each phase, then each minute, then all. */
export function tableText(plan: Plan, contenders: Contenders): string {
  let from = 0;
  const phases = plan.phases.map(({ name, seconds }, at) => {
    from += seconds;
    return { name, from: from - seconds, to: from, of: (drilled: Drilled) => drilled.phases[at] };
  });
  const all = { name: 'all', from: 0, to: from, of: (drilled: Drilled) => drilled.all };
  const lines = [...phases, all].flatMap(({ name, from, to, of }) =>
    Object.entries(contenders).map(([cache, drilled]) => {
      const figures = of(drilled);
      const origin = Math.max(...drilled.origin.slice(from, to).map(({ requests }) => requests));
      return figures ? [name, cache, ...cells(figures, to - from), String(origin)] : [];
    }),
  );
  const text = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `${[text(headings), text(headings.map(() => '---')), ...lines.map(text)].join('\n')}\n`;
}

function cells(
  { requests, p50Ms, p95Ms, p99Ms, maxMs, errors, sources, tooOld, oldestSeconds }: Figures,
  seconds: number,
) {
  const came = sources.fresh + sources.stale + sources.origin;
  const share = (count: number) => (came === 0 ? '–' : ((100 * count) / came).toFixed(2));
  return [
    (requests / seconds).toFixed(0),
    ...[p50Ms, p95Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2)),
    String(errors),
    share(sources.fresh),
    share(sources.stale),
    share(sources.origin),
    String(tooOld),
    oldestSeconds.toFixed(0),
  ];
}

const colours = { Zerohop: '#06c', nginx: '#c60' } as const;

/** Names and drawings. */
export function plots({ phases }: Plan, contenders: Contenders): readonly (readonly [name: string, svg: string])[] {
  const what = phases.map(({ name, seconds }) => `${name} ${seconds} s`).join(', ');
  const series = (of: (drilled: Drilled) => readonly number[]): Series[] =>
    (['Zerohop', 'nginx'] as const).map((name) => ({ name, colour: colours[name], values: of(contenders[name]) }));
  const hitShare = ({ requests, sources }: Figures) =>
    requests === 0 ? 0 : (100 * (sources.fresh + sources.stale)) / requests;
  // A second in which everything waited would hide all others.
  const bounded = (ms: number) => Math.min(ms, 50);
  return [
    [
      'outage-latency',
      plotOverTime(
        `p95 by second, at most 50 (${what})`,
        'ms',
        series(({ seconds }) => seconds.map(({ p95Ms }) => bounded(p95Ms))),
      ),
    ],
    [
      'outage-hits',
      plotOverTime(
        `Answered from the cache (${what})`,
        '%',
        series(({ seconds }) => seconds.map(hitShare)),
      ),
    ],
    [
      'outage-origin',
      plotOverTime(
        `Requests the origin got (${what})`,
        'requests/s',
        series(({ origin }) => origin.map(({ requests }) => requests)),
      ),
    ],
  ];
}
