// The drawings beside the report: name → SVG.

import { median } from '../figures.ts';
import { plotBars } from './bars.ts';
import type { Run } from './measure.ts';
import { type Measured, runsOf } from './rows.ts';
import { crowds, type Mode, pageNames } from './scenarios.ts';
import { stackNames } from './stacks.ts';

const series = [
  { name: 'unified', colour: '#0f766e' },
  { name: 'monolith', colour: '#d97706' },
  { name: 'microservices', colour: '#be185d' },
];

export function chartsOf({ cells }: Measured): Readonly<Record<string, string>> {
  const draw = (title: string, unit: string, mode: Mode, of: (run: Run) => number) =>
    plotBars(
      title,
      unit,
      series,
      pageNames.flatMap((page) =>
        crowds.map((users) => ({
          name: `${page} × ${users.toLocaleString('en')}`,
          values: Object.fromEntries(
            stackNames.map((stack) => [stack, median(runsOf(cells, stack, mode, { page, users }).map(of))]),
          ),
        })),
      ),
    );
  return {
    'shop-throughput': draw('Saturated: answers per second', 'requests/s', 'saturation', (run) => run.perSecond),
    'shop-saturation-p95': draw('Saturated: p95 latency', 'ms', 'saturation', (run) => run.p95Ms),
    'shop-thinking-p50': draw('A second of thinking: p50 latency', 'ms', 'thinking', (run) => run.p50Ms),
    'shop-thinking-p95': draw('A second of thinking: p95 latency', 'ms', 'thinking', (run) => run.p95Ms),
  };
}
