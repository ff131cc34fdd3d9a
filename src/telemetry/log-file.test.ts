import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, LogFile, logFileIn, readLogFile, releaseLogFile } from './index.ts';

const home = mkdtempSync(join(tmpdir(), 'zerohop-log-'));
afterAll(() => rmSync(home, { recursive: true }));
let folders = 0;
const freshPath = (): string => logFileIn(join(home, String(folders++)));

const line = (msg: string, more = ''): string =>
  `{"level":"info","time":"2026-01-01T00:00:00.000Z","msg":"${msg}"${more}}\n`;

test('two files of a bounded size hold the newest lines, whoever writes them', async () => {
  const path = freshPath();
  const writers = [new LogFile(path, 1000), new LogFile(path, 1000), new LogFile(path, 1000)];
  for (let index = 0; index < 200; index++) writers[index % 3]?.write(line(`m${index}`));
  for (const writer of writers) writer.close();
  const lines = await readLogFile(path);
  expect(lines.at(-1)?.msg).toBe('m199');
  expect(lines.length).toBeLessThan(80);
  expect(lines.length).toBeGreaterThan(10);
  for (const file of [path, `${path}.1`]) expect(statSync(file).size).toBeLessThan(3 * 1000 + 200);
});

test('what tells a secret once is not kept', async () => {
  const path = freshPath();
  const shown: string[] = [];
  const output = { write: (text: string) => void shown.push(text) };
  const log = await createLogger({ level: 'info', format: 'json', output, file: path });
  log.warn('the password is x', { once: true });
  log.warn('it says "once":true, as text');
  expect(shown).toHaveLength(2);
  expect((await readLogFile(path)).map(({ msg }) => msg)).toEqual(['it says "once":true, as text']);
});

test('what can not be written or read is left out', async () => {
  const path = freshPath();
  expect(await readLogFile(path)).toEqual([]);
  const blocked = join(home, 'file');
  writeFileSync(blocked, '');
  new LogFile(logFileIn(blocked)).write(line('nowhere'));
  new LogFile(path).write(line('a'));
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"level":"in`);
  expect((await readLogFile(path)).map(({ msg }) => msg)).toEqual(['a']);
});

test('a turn that was broken off does not hold up the next', async () => {
  const path = freshPath();
  const writer = new LogFile(path, 100);
  writer.write(line('first'));
  writeFileSync(`${path}.turning`, '');
  for (let index = 0; index < 5; index++) writer.write(line(`held ${index}`));
  expect(statSync(path).size).toBeGreaterThan(300);
  releaseLogFile(path);
  writer.write(line('turned'));
  expect((await readLogFile(path)).at(-1)?.msg).toBe('turned');
  expect(statSync(path).size).toBeLessThan(100);
});
