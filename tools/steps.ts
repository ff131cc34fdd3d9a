// What `npm test` and `npm run check` run: each step a process that is good or not, its output shown as it comes.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Counts, countsOf } from './junit.ts';

const root = resolve(import.meta.dirname, '..');

/** Per test; those that start processes are slow on a busy machine. */
const testTimeoutMs = 30_000;

export interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

/** What is checked without running the runtime; each counts as a test. */
export const checks: readonly Step[] = [
  { name: 'types', command: ['node', 'node_modules/typescript/bin/tsc', '-p', '.'] },
  {
    name: 'lint and format',
    command: ['node', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  },
  { name: 'layers', command: [process.execPath, 'tools/layers.ts'] },
  { name: 'reference pages', command: [process.execPath, 'tools/reference.ts', '--check'] },
];

/** Runs one; true when it is good. */
export async function runCheck(step: Step): Promise<boolean> {
  const startedMs = performance.now();
  const child = Bun.spawn([...step.command], { cwd: root, env: ownEnv(), stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (code !== 0) console.log(`${out}${err}`.trimEnd());
  console.log(`(${code === 0 ? 'pass' : 'fail'}) ${step.name} [${seconds} s]`);
  return code === 0;
}

/** Runs the tests in these folders of the repository; a folder that does not exist has none. */
export async function runTests(folders: readonly string[]): Promise<Counts> {
  const here = folders.filter((folder) => existsSync(join(root, folder)));
  const temporary = await mkdtemp(join(tmpdir(), 'zerohop-tests-'));
  const report = join(temporary, 'junit.xml');
  try {
    const child = Bun.spawn(
      [
        process.execPath,
        'test',
        `--timeout=${testTimeoutMs}`,
        '--reporter=junit',
        `--reporter-outfile=${report}`,
        ...here.map((folder) => `./${folder}`),
      ],
      { cwd: root, env: ownEnv(), stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const code = await child.exited;
    const counts = existsSync(report)
      ? countsOf(await readFile(report, 'utf8'))
      : { passed: 0, failed: 0, skipped: [] };
    // A file that could not be loaded, or a crash of the runner, is in no report.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    await rm(temporary, { recursive: true });
  }
}

/** Settings of the person who runs the tests must not reach the nodes they start. */
function ownEnv(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ZEROHOP_')));
}
