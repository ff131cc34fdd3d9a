// The tests that HTTP caches are compared by (https://cache-tests.fyi), run by their own client and origin against a node with `pages` between
// them. Each required or optimal test that does not pass is listed with the reason; one more is a failure, and so is one that passes by now.

import { expect, test } from 'bun:test';
import { join, resolve } from 'node:path';
import { Output } from '../support/output.ts';
import { startPagesNode } from '../support/pages-node.ts';

const suite = resolve(import.meta.dirname, '../../node_modules/http-cache-tests');

const noStatusOfItsOwn =
  "the cache answers 502 itself, as it has to; the test takes every answer without the origin's header for one from the cache";
const wholePagesOnly =
  'parts are not stored: a range is fetched as the whole page and answered from that, so that the next one is a hit';
const left: Readonly<Record<string, string>> = {
  'age-parse-prefix':
    'a list in Age makes a page stale, as the six tests beside this one want; this one alone wants the first member of the list to count',
  'stale-close-must-revalidate': noStatusOfItsOwn,
  'stale-close-proxy-revalidate': noStatusOfItsOwn,
  'stale-close-no-cache': noStatusOfItsOwn,
  'stale-close-s-maxage=2': noStatusOfItsOwn,
  'headers-store-Transfer-Encoding':
    'a Transfer-Encoding that is none makes the length of the message unknown (RFC 9112 §6.3): it is refused with 502',
  'conditional-lm-fresh-no-lm':
    'a page without Last-Modified has not been shown to be unmodified since a date before it came (RFC 9110 §13.1.3): the test asks for changes in the hour before its Date',
  'partial-store-partial-reuse-partial': wholePagesOnly,
  'partial-store-partial-reuse-partial-byterange': wholePagesOnly,
  'partial-store-partial-reuse-partial-absent': wholePagesOnly,
  'partial-store-partial-reuse-partial-suffix': wholePagesOnly,
  'partial-store-partial-complete': wholePagesOnly,
};

type Results = Readonly<Record<string, true | readonly string[]>>;

interface Suite {
  readonly tests: readonly { readonly id: string; readonly kind?: string; readonly browser_only?: boolean }[];
}

test('http-cache-tests: all that are required or optimal pass, but for those listed', async () => {
  const settings = { npm_config_protocol: 'http', npm_config_port: '0', npm_config_pidfile: '/dev/null' };
  const origin = run(['server/server.mjs'], settings);
  try {
    const [, port] = await new Output([origin.stdout]).match(/:(\d+)\/\n/);
    await using node = await startPagesNode({
      origin: `http://127.0.0.1:${port}`,
      // The origin fails on purpose, in some of a hundred tests at once.
      limit: { failures: 1_000_000, backoff: '1ms', concurrent: 200 },
      rules: [{ match: '/**', query: 'all', headers: 'all', heuristic: true, setCookie: 'keep' }],
    });
    const client = run(['--no-warnings', 'cli.mjs'], { npm_config_base: node.url, npm_package_config_id: '' });
    const results: Results = JSON.parse(await client.stdout.text());
    const suites: Suite[] = (await import(join(suite, 'tests/index.mjs'))).default;
    const counted = suites
      .flatMap(({ tests }) => tests)
      .filter(({ kind, browser_only }) => kind !== 'check' && !browser_only);
    const failed = counted.filter(({ id }) => results[id] !== true).map(({ id }) => [id, results[id]] as const);
    expect(failed.filter(([id]) => !(String(id) in left))).toEqual([]);
    expect(Object.keys(left).filter((id) => !failed.some(([failing]) => failing === id))).toEqual([]);
    const passed = (wanted: string) =>
      counted.filter(({ id, kind = 'required' }) => kind === wanted && results[id] === true).length;
    expect(passed('required')).toBeGreaterThanOrEqual(151);
    expect(passed('optimal')).toBeGreaterThanOrEqual(80);
  } finally {
    origin.kill();
    await origin.exited;
  }
}, 120_000);

function run(words: readonly string[], settings: Record<string, string>) {
  return Bun.spawn(['node', ...words], {
    cwd: suite,
    env: { PATH: process.env.PATH ?? '', ...settings },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
}
