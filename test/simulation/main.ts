// `npm run simulate -- --seeds N [--from S]`: runs seeds one after the other and says what went wrong in which.

import { parseArgs } from 'node:util';
import type { Sabotage } from './sim-node.ts';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    sabotage: { type: 'string' },
  },
});
const from = Number(values.from);
const totals: Record<string, number> = {};
let failed = 0;
const startedMs = performance.now();
for (let seed = from; seed < from + Number(values.seeds); seed++) {
  const { faults, figures } = simulate(seed, values.sabotage as Sabotage | undefined);
  for (const [name, value] of Object.entries(figures)) totals[name] = (totals[name] ?? 0) + value;
  if (faults.length === 0) continue;
  failed++;
  console.log(`seed ${seed}: ${faults.slice(0, 5).join('\n  ')}`);
}
console.log(JSON.stringify(totals));
console.log(`${values.seeds} seeds, ${failed} failed, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
process.exit(failed === 0 ? 0 : 1);
