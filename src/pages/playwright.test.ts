import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromiumPath, playwrightPath } from './playwright.ts';

test('playwright-core is found beside the app or the runtime; without it, it is said what to install', () => {
  const empty = mkdtempSync(join(tmpdir(), 'zerohop-empty-'));
  try {
    expect(playwrightPath([empty, import.meta.dirname])).toContain('playwright-core');
    expect(() => playwrightPath([empty])).toThrow(/need playwright-core, .* npm install playwright-core/);
  } finally {
    rmSync(empty, { recursive: true });
  }
});

test('the browser is the one that is configured, or that of the environment; one that is not there is named', () => {
  const here = import.meta.path;
  expect(chromiumPath(here, '/no/browser')).toBe(here);
  expect(chromiumPath(undefined, here)).toBe(here);
  expect(() => chromiumPath('/no/browser', here)).toThrow(/no browser at \/no\/browser\. Correct render\.executable/);
  expect(() => chromiumPath(undefined, '/no/browser')).toThrow(/no browser at \/no\/browser\. Correct CHROMIUM_PATH/);
});
