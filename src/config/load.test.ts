import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ZerohopError } from '../base/index.ts';
import { type ConfigSources, loadConfig, namedKeys } from './index.ts';
import { keys } from './keys.ts';
import { parseSettings } from './settings-file.ts';

const root = mkdtempSync(join(tmpdir(), 'zerohop-config-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;

function folderWith(yaml?: string): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  if (yaml !== undefined) writeFileSync(join(folder, 'zerohop.yaml'), yaml);
  return folder;
}

const load = (sources: Partial<ConfigSources>) => loadConfig({ flags: {}, env: {}, folder: root, ...sources });

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ZerohopError && error.code === 'INVALID_CONFIG') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('defaults', () => {
  const config = load({});
  expect(config.http).toEqual({ port: 9926, host: '::', compressionThreshold: 1200 });
  expect(config.operations).toEqual({ port: 9925, host: '127.0.0.1' });
  expect(config.data).toBe(join(root, 'data'));
  expect(config.threads).toBe('auto');
  expect(config.authorizeLocal).toBe(false);
  expect(config.cors.origins).toEqual([]);
});

test('the result is frozen, lists included', () => {
  const config = load({ env: { ZEROHOP_CORS_ORIGINS: 'https://a.example' } });
  expect([config, config.http, config.cors.origins].every(Object.isFrozen)).toBe(true);
});

test('flags win over variables, variables over the file, the file over defaults', () => {
  const folder = folderWith('http: { port: 1 }');
  const env = { ZEROHOP_HTTP_PORT: '2' };
  expect(load({ folder, env, flags: { 'http.port': '3' } }).http.port).toBe(3);
  expect(load({ folder, env }).http.port).toBe(2);
  expect(load({ folder, defaults: { 'http.port': 4 } }).http.port).toBe(1);
  expect(load({ defaults: { 'http.port': 4 } }).http.port).toBe(4);
});

test('the file is read with nested keys, comments and anchors', () => {
  const yaml =
    '# mine\nhttp:\n  port: &p 8080\noperations: { port: *p }\ncors:\n  origins: ["*"]\nthreads: 2\nlimits:\n';
  const config = load({ folder: folderWith(yaml) });
  expect([config.http.port, config.operations.port, config.threads]).toEqual([8080, 8080, 2]);
  expect(config.cors.origins).toEqual(['*']);
});

test('an empty file sets nothing', () => {
  for (const yaml of ['', '\n', '# only a comment\n', '---\n'])
    expect(load({ folder: folderWith(yaml) })).toEqual({
      ...load({}),
      data: expect.any(String),
    });
});

test('a data folder in a file starts at the file, elsewhere at the working folder', () => {
  const folder = folderWith('data: here');
  expect(load({ folder }).data).toBe(join(folder, 'here'));
  expect(load({ file: join(folder, 'zerohop.yaml') }).data).toBe(join(folder, 'here'));
  expect(load({ folder, env: { ZEROHOP_DATA: 'there' } }).data).toBe(join(folder, 'there'));
  expect(load({ folder, flags: { data: '/abs' } }).data).toBe('/abs');
});

test('a file is named by flag or variable', () => {
  const folder = folderWith();
  writeFileSync(join(folder, 'other.yaml'), 'threads: 3');
  expect(load({ folder, file: 'other.yaml' }).threads).toBe(3);
  expect(load({ folder, env: { ZEROHOP_CONFIG: 'other.yaml' } }).threads).toBe(3);
});

test.each<[string, Partial<ConfigSources>, string]>([
  [
    'bad port flag',
    { flags: { 'http.port': '99999' } },
    '--http-port=99999: http.port must be a whole number from 0 to 65535 (0: any free port).',
  ],
  [
    'bad port variable',
    { env: { ZEROHOP_HTTP_PORT: 'abc' } },
    'ZEROHOP_HTTP_PORT=abc: http.port must be a whole number from 0 to 65535 (0: any free port).',
  ],
  [
    'empty variable',
    { env: { ZEROHOP_OPERATIONS_PORT: '' } },
    'ZEROHOP_OPERATIONS_PORT=: operations.port must be a whole number from 0 to 65535 (0: any free port).',
  ],
  [
    'bad threads',
    { env: { ZEROHOP_THREADS: '65' } },
    'ZEROHOP_THREADS=65: threads must be "auto" or a whole number from 0 to 64 (0: everything in one thread).',
  ],
  [
    'mistyped variable',
    { env: { ZEROHOP_HTP_PORT: '1' } },
    'Unknown environment variable ZEROHOP_HTP_PORT. Did you mean ZEROHOP_HTTP_PORT?',
  ],
  [
    'bad origin',
    { env: { ZEROHOP_CORS_ORIGINS: 'example.com' } },
    'ZEROHOP_CORS_ORIGINS=example.com: cors.origins must be a list of origins such as https://example.com, or "*" for all.',
  ],
  [
    'more than everything',
    { env: { ZEROHOP_TRACING_SAMPLE: '1.5' } },
    'ZEROHOP_TRACING_SAMPLE=1.5: tracing.sample must be a number from 0 to 1.',
  ],
  [
    'no address of a server',
    { env: { ZEROHOP_TRACING_ENDPOINT: 'localhost:4318' } },
    'ZEROHOP_TRACING_ENDPOINT=localhost:4318: tracing.endpoint must be an address such as http://localhost:4318.',
  ],
  ['unknown flag key', { flags: { 'http.prt': '1' } }, 'There is no configuration key http.prt.'],
  [
    'line breaks do not reach the message',
    { env: { ZEROHOP_LOG_LEVEL: 'a\nb' } },
    'ZEROHOP_LOG_LEVEL=a?b: log.level must be one of trace, debug, info, warn, error, fatal, silent.',
  ],
])('refused: %s', (_, sources, message) => {
  expect(messageOf(() => load(sources))).toBe(message);
});

test.each([
  [
    'http:\n  port: "80"',
    'zerohop.yaml:2: http.port must be a whole number from 0 to 65535 (0: any free port), not "80".',
  ],
  ['threads: 1\nhttp:\n  prot: 80', 'zerohop.yaml:3: unknown key "http.prot". Did you mean "http.port"?'],
  ['htpp:\n  port: 80', 'zerohop.yaml:1: unknown key "htpp". Did you mean "http"?'],
  [
    'http:\n  shininess: 80',
    'zerohop.yaml:2: unknown key "http.shininess". Allowed here: port, host, compressionThreshold.',
  ],
  ['__proto__: 1', `zerohop.yaml:1: unknown key "__proto__". Allowed here: ${Object.keys(keys).join(', ')}.`],
  ['[1]: 2', `zerohop.yaml:1: unknown key "?". Allowed here: ${Object.keys(keys).join(', ')}.`],
  ['authorizeLocal: yes', 'zerohop.yaml:1: authorizeLocal must be true or false, not "yes".'],
  [
    'limits:\n  bodyBytes: 0',
    'zerohop.yaml:2: limits.bodyBytes must be a whole number from 1 to 9007199254740991, not 0.',
  ],
  ['data: [a]', 'zerohop.yaml:1: data must be the path of a folder, not ["a"].'],
  ['data: &a [*a]', 'zerohop.yaml:1: the value of data refers to an anchor that can not be resolved.'],
  ['data: *nowhere', 'zerohop.yaml:1: the value of data refers to an anchor that can not be resolved.'],
  ['http: 80', 'zerohop.yaml:1: http must hold keys and values.'],
  ['- http', 'zerohop.yaml:1: the file must hold keys and values.'],
  ['threads: 1\nthreads: 2', 'zerohop.yaml:2: not valid YAML: Map keys must be unique'],
  [
    'http: {',
    'zerohop.yaml:1: not valid YAML: Flow map in block collection must be sufficiently indented and end with a }',
  ],
])('refused in the file: %j', (yaml, message) => {
  expect(messageOf(() => load({ folder: folderWith(yaml) }))).toBe(message);
});

test('a file that was asked for must be readable', () => {
  expect(messageOf(() => load({ file: 'gone.yaml' }))).toBe(
    `The configuration file ${join(root, 'gone.yaml')} can not be read: it does not exist.`,
  );
  expect(messageOf(() => load({ file: '.' }))).toBe(`The configuration file ${root} can not be read: it is a folder.`);
});

test('an overlong file is refused', () => {
  expect(messageOf(() => load({ folder: folderWith(`# ${'x'.repeat(1024 * 1024)}`) }))).toEndWith(
    'zerohop.yaml is larger than 1048576 bytes.',
  );
});

test('every key has its own variable and flag, and its default is allowed', () => {
  expect(new Set(namedKeys.map(({ variable }) => variable)).size).toBe(namedKeys.length);
  expect(new Set(namedKeys.map(({ flag }) => flag)).size).toBe(namedKeys.length);
  for (const { key } of namedKeys) expect(key.kind.fromValue(key.default)).toEqual(key.default);
});

test('every key can be set by flag, by variable and in the file alike', () => {
  for (const { path, variable, key } of namedKeys) {
    const given = path === 'data' ? '/elsewhere' : key.default;
    const text = Array.isArray(given) ? given.join(',') : String(given);
    const yaml = path
      .split('.')
      .reverse()
      .reduce<unknown>((value, name) => ({ [name]: value }), given);
    const byFlag = load({ flags: { [path]: text } });
    expect(load({ env: { [variable]: text } })).toEqual(byFlag);
    expect(load({ folder: folderWith(JSON.stringify(yaml)), flags: { data: byFlag.data } })).toEqual(byFlag);
  }
});

test('whatever the file holds, it is read or refused on one line', () => {
  const words = fc.constantFrom(
    'http',
    'port',
    'data',
    ':',
    ': ',
    '\n',
    '\n  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '"',
    '1',
    '!!',
    '|',
    '<<',
    '?',
  );
  const yaml = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words).map((parts) => parts.join('')),
    fc.json(),
  );
  fc.assert(
    fc.property(yaml, (text) => {
      try {
        parseSettings(text, '/x/zerohop.yaml');
      } catch (error) {
        expect(error).toBeInstanceOf(ZerohopError);
        expect((error as ZerohopError).message).not.toContain('\n');
      }
    }),
    { numRuns: 2000 },
  );
});

test('whatever the environment holds, it is read or refused on one line', () => {
  const name = fc.constantFrom(...namedKeys.map(({ variable }) => variable), 'ZEROHOP_', 'ZEROHOP_X', 'PATH');
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.integer().map(String), fc.constantFrom('auto', 'true', '*'));
  fc.assert(
    fc.property(fc.dictionary(name, value), (env) => {
      try {
        load({ env });
      } catch (error) {
        expect(error).toBeInstanceOf(ZerohopError);
        expect((error as ZerohopError).message).not.toContain('\n');
      }
    }),
    { numRuns: 500 },
  );
});
