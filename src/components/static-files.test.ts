import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ZerohopError } from '../base/index.ts';
import { composeSteps, HttpRequest, type HttpStep } from '../protocols/http/index.ts';
import { Metrics } from '../telemetry/index.ts';
import type { Options } from './app-config.ts';
import { staticStep } from './static-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'zerohop-static-'));
const long = 'body { color: red }\n'.repeat(200);
const modified = new Date('2026-01-02T03:04:05Z');

beforeAll(() => {
  const files = {
    'web/index.html': '<p>Home',
    'web/about.html': '<p>About',
    'web/404.html': '<p>Not here',
    'web/style.css': long,
    'web/assets/app-B3x9Kq2z.js': 'let a = 1;',
    'web/assets/app-component.js': 'let b = 1;',
    'web/docs/index.html': '<p>Docs',
    'web/with space.txt': 'space',
    'web/.secret': 'secret',
    'web/.well-known/security.txt': 'contact',
    'web/empty.txt': '',
    'web/private/key.pem': 'key',
    'config.yaml': 'rest: true',
    'elsewhere/secret.txt': 'secret',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    utimesSync(join(folder, name), modified, modified);
  }
  symlinkSync('/etc', join(folder, 'web/etc'));
  symlinkSync(join(folder, 'web/style.css'), join(folder, 'web/linked.css'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the step answers; 'next' when it hands on. */
async function get(path: string, options: Options = {}, init: RequestInit = {}): Promise<Response> {
  const step: HttpStep = staticStep({ files: 'web/**', ...options }, folder);
  const raw = new Request('http://localhost/', init);
  const chain = composeSteps([step], () => new Response('next', { status: 299 }));
  return chain(new HttpRequest(raw, path, undefined, () => null));
}

async function outcome(path: string, options?: Options): Promise<string> {
  try {
    const response = await get(path, options);
    return response.status === 299
      ? 'next'
      : `${response.status} ${response.headers.get('location') ?? (await response.text())}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('which file a path stands for', () => {
  const cases: readonly (readonly [string, Options, string])[] = [
    ['/about.html', {}, '200 <p>About'],
    ['/with%20space.txt', {}, '200 space'],
    ['/.well-known/security.txt', { files: ['web/**', 'web/.well-known/*'] }, '200 contact'],
    ['/linked.css', {}, `200 ${long}`],
    ['/', {}, '200 <p>Home'],
    ['/', { index: false }, 'next'],
    ['/docs/', {}, '200 <p>Docs'],
    ['/docs', {}, '308 /docs/'],
    ['/docs', { index: false }, 'next'],
    ['/about.html/more', {}, 'next'],
    [`/docs/${'x'.repeat(300)}`, {}, 'next'],
    ['/about', {}, 'next'],
    ['/about', { extensions: ['html'] }, '200 <p>About'],
    ['/missing', {}, 'next'],
    ['/missing', { fallthrough: false }, 'There is no file /missing.'],
    ['/missing', { fallthrough: false, notFound: '404.html' }, '404 <p>Not here'],
    ['/missing', { fallthrough: false, notFound: { file: 'index.html', statusCode: 200 } }, '200 <p>Home'],
    ['/site/about.html', { urlPath: '/site' }, '200 <p>About'],
    ['/about.html', { urlPath: 'site' }, 'next'],
    ['/sitemap/about.html', { urlPath: 'site' }, 'next'],
    ['/about.html', { files: { source: 'web/**', ignore: 'web/*.html' } }, 'next'],
    ['/style.css', { files: 'web/*.html' }, 'next'],
  ];
  for (const [path, options, expected] of cases) {
    test(`${path} ${JSON.stringify(options)}`, async () => expect(await outcome(path, options)).toBe(expected));
  }
});

describe('a page for what nobody serves, after all others were asked', () => {
  const nobody = new ZerohopError('NOT_FOUND', 'nobody');
  const cases: readonly (readonly [string, Options, (request: HttpRequest) => Response | Promise<Response>, string])[] =
    [
      [
        'what is nobody’s',
        { notFound: '404.html' },
        () => {
          throw nobody;
        },
        '404 <p>Not here',
      ],
      ['told later', { notFound: '404.html' }, () => Promise.reject(nobody), '404 <p>Not here'],
      [
        'with a status',
        { notFound: { file: 'index.html', statusCode: 200 } },
        () => Promise.reject(nobody),
        '200 <p>Home',
      ],
      ['a page that is not there', { notFound: 'none.html' }, () => Promise.reject(nobody), 'nobody'],
      ['without one', {}, () => Promise.reject(nobody), 'nobody'],
      ['what somebody serves', { notFound: '404.html' }, () => new Response('a record'), '200 a record'],
      ['another error', { notFound: '404.html' }, () => Promise.reject(new Error('broken')), 'broken'],
      [
        'what somebody has not',
        { notFound: '404.html' },
        (request) => {
          request.route = new Metrics('test').http.route('/Product');
          throw nobody;
        },
        'nobody',
      ],
    ];
  test.each(cases)('%s', async (_name, options, end, expected) => {
    const step = staticStep({ files: 'web/**', ...options }, folder);
    const request = new HttpRequest(new Request('http://localhost/'), '/missing', undefined, () => null);
    const found = async () => {
      const response = await composeSteps([step], end)(request);
      return `${response.status} ${await response.text()}`;
    };
    expect(await found().catch((error: Error) => error.message)).toBe(expected);
  });
});

test('nothing outside of the files, and nothing hidden, is ever sent', async () => {
  const paths = [
    '/../config.yaml',
    '/%2e%2e/config.yaml',
    '/..%2fconfig.yaml',
    '/%2e%2e%2fconfig.yaml',
    '/docs/../../config.yaml',
    '/..%5cconfig.yaml',
    '/.secret',
    '/%2esecret',
    '/etc/passwd',
    '/docs/%00index.html',
    '/%zz',
    '//etc/passwd',
    '/../elsewhere/secret.txt',
  ];
  for (const path of paths) expect([path, await outcome(path)]).toEqual([path, 'next']);
});

test('only GET and HEAD are for files', async () => {
  for (const method of ['POST', 'PUT', 'DELETE']) expect((await get('/about.html', {}, { method })).status).toBe(299);
  const head = await get('/about.html', {}, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
    200,
    'text/html;charset=utf-8',
    '',
  ]);
});

test('unchanged files are not sent again', async () => {
  const first = await get('/about.html');
  const etag = first.headers.get('etag') ?? '';
  expect(first.headers.get('last-modified')).toBe('Fri, 02 Jan 2026 03:04:05 GMT');
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `"x", W/${etag}` }, 304],
    [{ 'if-none-match': '"x"' }, 200],
    [{ 'if-modified-since': 'Fri, 02 Jan 2026 03:04:05 GMT' }, 304],
    [{ 'if-modified-since': 'Fri, 02 Jan 2026 03:04:04 GMT' }, 200],
    // RFC 9110 §13.1.3: with If-None-Match, If-Modified-Since is ignored.
    [{ 'if-none-match': '"x"', 'if-modified-since': 'Fri, 02 Jan 2026 03:04:05 GMT' }, 200],
  ];
  for (const [headers, status] of cases) expect((await get('/about.html', {}, { headers })).status).toBe(status);
});

test('names with a hash in them never change, others are asked about', async () => {
  const policy = async (path: string) => (await get(path)).headers.get('cache-control');
  expect(await policy('/assets/app-B3x9Kq2z.js')).toBe('public, max-age=31536000, immutable');
  expect(await policy('/assets/app-component.js')).toBe('public, max-age=0, must-revalidate');
  expect(await policy('/about.html')).toBe('public, max-age=0, must-revalidate');
});

describe('compression', () => {
  for (const encoding of ['gzip', 'br', 'zstd']) {
    test(`${encoding}, with a tag of its own`, async () => {
      const response = await get('/style.css', {}, { headers: { 'accept-encoding': encoding } });
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(response.headers.get('vary')).toBe('Accept-Encoding');
      expect((await response.arrayBuffer()).byteLength).toBeLessThan(long.length / 4);
      const etag = response.headers.get('etag') ?? '';
      expect(etag).not.toBe((await get('/style.css')).headers.get('etag') ?? '');
      const again = await get('/style.css', {}, { headers: { 'accept-encoding': encoding, 'if-none-match': etag } });
      expect(again.status).toBe(304);
    });
  }

  test('not for small files, ranges, or clients that do not take it', async () => {
    const encodingOf = async (path: string, headers: Record<string, string>) =>
      (await get(path, {}, { headers })).headers.get('content-encoding');
    expect(await encodingOf('/about.html', { 'accept-encoding': 'gzip' })).toBeNull();
    expect(await encodingOf('/style.css', {})).toBeNull();
    expect(await encodingOf('/style.css', { 'accept-encoding': 'gzip', range: 'bytes=0-3' })).toBeNull();
  });
});

test('parts of a file', async () => {
  const part = await get('/style.css', {}, { headers: { range: 'bytes=0-3' } });
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
    206,
    `bytes 0-3/${long.length}`,
    'body',
  ]);
  await expect(get('/style.css', {}, { headers: { range: 'bytes=99999-' } })).rejects.toMatchObject({
    code: 'RANGE_NOT_SATISFIABLE',
  });
});

describe('its place in the chain', () => {
  const cases: readonly (readonly [Options, object])[] = [
    [{}, { before: 'authentication' }],
    [{ before: false }, { before: false }],
    [{ after: 'rest' }, { after: 'rest' }],
  ];
  for (const [options, expected] of cases) {
    test(JSON.stringify(options), () =>
      expect(staticStep({ files: 'web/**', ...options }, folder)).toMatchObject(expected),
    );
  }
});

test('options that make no sense are refused', () => {
  const cases: readonly Options[] = [
    { notFound: 5 },
    { notFound: { file: 'x', statusCode: 9999 } },
    { extensions: 'html' },
    { urlPath: 3 },
  ];
  for (const options of cases) {
    expect(() => staticStep({ files: 'web/**', ...options }, folder)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  }
});
