// bun bench/shop/again.ts
//
// Makes rows, drawings and page anew from results/shop-cells.json, for when they are told differently; nothing is measured.

import { join } from 'node:path';
import { reportText, resultsFolder, writeResult } from '../report.ts';
import { outcomeOf, type Recorded } from './outcome.ts';

// index.ts wrote it.
const recorded = (await Bun.file(join(resultsFolder, 'shop-cells.json')).json()) as Recorded;
const { machine, commit, date } = recorded;
const { rows, drawings, page } = outcomeOf(recorded);
for (const [name, svg] of Object.entries(drawings)) await writeResult(name, 'svg', svg);
await writeResult('shop', 'md', page);
console.log(`Written to ${await writeResult('shop', 'json', reportText({ machine, commit, date, rows }))}`);
