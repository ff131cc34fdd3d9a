// Every benchmark of the project one after the other, each in a process of its own, and the page that shows what there is of results.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Drawing, pageOf, type Shown } from './all-page.ts';
import { parseReport, resultsFolder, writeResult } from './report.ts';

/** Ends with 0 when all of them could be run. What fails does not keep the others from running. */
export async function runAll(names: readonly string[], isQuick: boolean): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    console.log(`\n── ${name} ──`);
    const words = [join(import.meta.dirname, 'main.ts'), name, ...(isQuick ? ['--quick'] : [])];
    const child = Bun.spawn([process.execPath, ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
    if ((await child.exited) !== 0) failed.push(name);
  }
  if (!isQuick) await writePage(names);
  for (const name of failed) console.error(`FAILED ${name}`);
  return failed.length > 0 ? 1 : 0;
}

/** Makes bench/results/index.html of the results that are there, those of `names` first. */
export async function writePage(names: readonly string[]): Promise<number> {
  const files = readdirSync(resultsFolder).sort();
  const known = [...names, ...files.map((file) => file.replace(/\.json$/, '')).filter((name) => !names.includes(name))];
  const reports: Shown[] = [];
  for (const name of known) {
    if (!files.includes(`${name}.json`)) continue;
    const report = parseReport(await Bun.file(join(resultsFolder, `${name}.json`)).text());
    if (!report) continue;
    const drawings: Drawing[] = [];
    for (const file of files.filter((each) => each.endsWith('.svg') && belongs(each, name)))
      drawings.push({ name: file.replace(/\.svg$/, ''), svg: await Bun.file(join(resultsFolder, file)).text() });
    const details = files.includes(`${name}.md`) ? `${name}.md` : undefined;
    reports.push({ name, report, drawings, ...(details !== undefined && { details }) });
  }
  console.log(`Written to ${await writeResult('index', 'html', pageOf(reports))}`);
  return 0;
}

/** Drawings beside those that bear the name of their benchmark. */
const moreDrawings: Readonly<Record<string, string>> = { 'waterfall.svg': 'shop' };

/** soak.svg and shop-throughput.svg are of soak and shop. */
function belongs(file: string, name: string): boolean {
  return file === `${name}.svg` || file.startsWith(`${name}-`) || moreDrawings[file] === name;
}
