import { expect, test } from 'bun:test';
import { ZerohopError } from '../base/index.ts';
import { createLogger, type LogOptions } from './index.ts';

async function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };
  return { lines, log: await createLogger({ level: 'info', format: 'json', output, ...options }) };
}

test('a JSON line holds level, time, message and fields', async () => {
  const { lines, log } = await logged();
  log.warn('careful', { thread: 'store' });
  expect(lines).toHaveLength(1);
  const line = JSON.parse(String(lines[0]));
  expect(line).toEqual({ level: 'warn', time: expect.any(String), msg: 'careful', thread: 'store' });
  expect(new Date(line.time).toISOString()).toBe(line.time);
});

test('lines below the level are not written', async () => {
  const { lines, log } = await logged({ level: 'warn' });
  log.info('no');
  expect(log.isEnabled('info')).toBe(false);
  expect(log.isEnabled('error')).toBe(true);
  const silent = await logged({ level: 'silent' });
  silent.log.fatal('no');
  expect([...lines, ...silent.lines]).toEqual([]);
});

test('errors come with their code and stack', async () => {
  const { lines, log } = await logged();
  log.error('failed', { error: new ZerohopError('STORAGE_FULL', 'The disk is full.') });
  expect(JSON.parse(String(lines[0])).error).toMatchObject({
    code: 'STORAGE_FULL',
    message: 'The disk is full.',
    stack: expect.stringContaining('logger.test.ts'),
  });
});

test.each(['authorization', 'cookie', 'set-cookie', 'password', 'token'])('%s is blanked', async (name) => {
  const { lines, log } = await logged();
  log.info('m', { [name]: 'hush', headers: { [name]: 'hush' }, request: { headers: { [name]: 'hush', host: 'h' } } });
  log.child({ [name]: 'hush' }).info('m');
  expect(lines.join('')).not.toContain('hush');
  expect(lines.join('')).toContain('"host":"h"');
});

test('a child adds its fields to every line', async () => {
  const { lines, log } = await logged();
  log.child({ requestId: 'r1' }).info('m');
  expect(JSON.parse(String(lines[0]))).toMatchObject({ requestId: 'r1', msg: 'm' });
});

test('the pretty form is for people', async () => {
  const { lines, log } = await logged({ format: 'pretty' });
  log.info('ready', { thread: 'main', port: 9926 });
  expect(lines.join('')).toMatch(/^\[\d\d:\d\d:\d\d\.\d+\] INFO: ready\n {4}port: 9926\n$/);
});
