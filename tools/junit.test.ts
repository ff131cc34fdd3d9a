import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsOf } from './junit.ts';

const folder = mkdtempSync(join(tmpdir(), 'zerohop-junit-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('passed, failed and skipped tests are counted, and the skipped named', () => {
  const report = `<?xml version="1.0"?>
<testsuites name="bun test" tests="4">
  <testsuite name="a.test.ts" file="a.test.ts">
    <testcase name="one &gt; 0" classname="" time="0" file="a.test.ts" line="1" />
    <testcase name="two" file="a.test.ts"><failure type="AssertionError" message="&lt;skipped/&gt;" /></testcase>
    <testcase name="needs &quot;it&quot;" file="a.test.ts">
      <skipped />
    </testcase>
    <testsuite name="inner"><testcase name="in > side" file="a.test.ts" /></testsuite>
  </testsuite>
</testsuites>`;
  expect(countsOf(report)).toEqual({ passed: 2, failed: 1, skipped: ['a.test.ts: needs "it"'] });
});

test('what bun test itself writes is understood', async () => {
  const file = `${folder}/x.test.ts`;
  await Bun.write(
    file,
    `import { test } from 'bun:test';
     test('good', () => {});
     test('bad <&">', () => { throw new Error('no'); });
     test.skip('passed "over"', () => {});`,
  );
  const run = Bun.spawn([process.execPath, 'test', '--reporter=junit', '--reporter-outfile=r.xml', './x.test.ts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  await run.exited;
  expect(countsOf(await Bun.file(`${folder}/r.xml`).text())).toEqual({
    passed: 1,
    failed: 1,
    skipped: ['x.test.ts: passed "over"'],
  });
});
