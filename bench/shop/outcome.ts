// What was recorded → rows, drawings and the page about them.

import type { Row } from '../figures.ts';
import type { Machine } from '../machine.ts';
import type { Cell, ShopPace } from './cells.ts';
import { chartsOf } from './charts.ts';
import type { Start } from './measure.ts';
import { reportPage } from './page.ts';
import { rowsOf } from './rows.ts';
import type { StackName } from './stacks.ts';

/** As it stands in results/shop-cells.json. */
export interface Recorded {
  readonly machine: Machine;
  readonly commit: string;
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly pace: ShopPace;
  readonly starts: Readonly<Record<StackName, readonly Start[]>>;
  readonly cells: readonly Cell[];
}

export interface Outcome {
  readonly rows: readonly Row[];
  /** Name → SVG. */
  readonly drawings: Readonly<Record<string, string>>;
  readonly page: string;
}

export function outcomeOf(recorded: Recorded): Outcome {
  const measured = { cells: recorded.cells, starts: recorded.starts };
  const rows = rowsOf(measured);
  const drawings = chartsOf(measured);
  return { rows, drawings, page: reportPage({ ...recorded, measured, rows, charts: Object.keys(drawings) }) };
}
