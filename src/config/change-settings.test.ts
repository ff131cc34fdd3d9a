import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeSettings } from './change-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'zerohop-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('values change, comments and the rest stay', () => {
  const file = join(folder, 'zerohop.yaml');
  writeFileSync(file, '# mine\nhttp:\n  port: 80 # the door\n\nthreads: 2\n');
  expect(changeSettings(file, { http_port: 8080, 'log.level': 'debug', threads: null })).toEqual([
    'http.port',
    'log.level',
    'threads',
  ]);
  expect(readFileSync(file, 'utf8')).toBe('# mine\nhttp:\n  port: 8080 # the door\nlog:\n  level: debug\n');
});

test('what a node could not start with is refused, and the file stays', () => {
  const file = join(folder, 'other.yaml');
  expect(() => changeSettings(file, { http_port: 'door' })).toThrow('port');
  expect(() => changeSettings(file, { http_prt: 1 })).toThrow('Did you mean http.port?');
  expect(readdirSync(folder)).toEqual(['zerohop.yaml']);
});
