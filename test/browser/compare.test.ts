// The shop beside itself on another server: real nodes, a real browser.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startNode, type TestNode } from '../support/start-node.ts';
import { chromiumPath, launchChromium } from './chromium.ts';

const app = resolve(import.meta.dirname, '../../apps/store');

describe.skipIf(chromiumPath === undefined)('the comparison in Chromium', () => {
  let node: TestNode;
  let rival: TestNode;
  let browser: Browser;
  beforeAll(async () => {
    [node, rival, browser] = await Promise.all([startNode({ app }), startNode({ app }), launchChromium()]);
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await Promise.all([node, rival].map((each) => each?.[Symbol.asyncDispose]()));
  });

  let context: BrowserContext;
  let page: Page;
  let wrong: string[];
  /** Path and server of each answer. */
  let answered: { readonly path: string; readonly origin: string }[];
  beforeEach(async () => {
    wrong = [];
    answered = [];
    context = await browser.newContext({ baseURL: node.url, viewport: { width: 1280, height: 1000 } });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
    });
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('response', (response) => {
      const { origin, pathname } = new URL(response.url());
      answered.push({ path: pathname, origin });
    });
  });
  afterEach(() => context.close());

  const side = (name: 'here' | 'there') => page.locator(`[data-side="${name}"]`);
  const figure = (name: 'here' | 'there', what: string) => side(name).locator(`[data-figure="${what}"]`).innerText();
  const asked = (origin: string, path: string) =>
    answered.filter((each) => each.origin === origin && each.path === path).length;

  test('every page says what served it, and leads to the comparison, which says how to start a rival', async () => {
    for (const path of ['/', '/c/c-02', '/p/p-0001', '/basket']) {
      await page.goto(path);
      expect(await page.locator('[data-architecture="unified"]').innerText()).toContain('Unified');
    }
    await page.locator('[data-architecture]').click();
    await page.waitForURL('**/compare');
    expect(await page.locator('[data-no-rival]').innerText()).toContain('npm run compare');
    expect(wrong).toEqual([]);
  }, 60_000);

  test('both sides are asked in turn; figures and charts fill; the verdict names both', async () => {
    await page.goto(`/compare?rival=${rival.url}&name=microservices`);
    expect(await figure('here', 'hops')).toBe('0');
    expect(await figure('there', 'hops')).toBe('9');
    await page.getByText('A category').click();
    expect(await figure('there', 'hops')).toBe('7');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Half of the answers came within').waitFor();
    for (const name of ['here', 'there'] as const) {
      expect(await figure(name, 'count')).toBe('100');
      const [p50, p95] = [await figure(name, 'p50'), await figure(name, 'p95')].map(Number.parseFloat);
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50 ?? Number.NaN);
      const bars = await side(name).locator('.bars').getAttribute('d');
      expect(bars?.match(/M/g)).toHaveLength(100);
    }
    expect(asked(node.url, '/Plp/c-02')).toBeGreaterThanOrEqual(100);
    expect(asked(rival.url, '/Plp/c-02')).toBeGreaterThanOrEqual(100);
    expect(wrong).toEqual([]);
  }, 90_000);

  test('the switch: the page comes from the side that is chosen, which is named', async () => {
    await page.goto(`/compare?rival=${rival.url}&name=microservices`);
    await page.getByText('Served by one Zerohop process').waitFor();
    const here = await page.locator('.compare-page a').allInnerTexts();
    expect(here.length).toBeGreaterThan(0);
    expect(asked(rival.url, '/Pdp/p-0001')).toBe(0);
    await page.locator('[data-switch]').getByText('Microservices').click();
    await page.getByText('Served by five Fastify processes').waitFor();
    expect(asked(rival.url, '/Pdp/p-0001')).toBe(1);
    expect(await page.locator('.compare-page a').allInnerTexts()).toEqual(here);
    expect(wrong).toEqual([]);
  }, 60_000);

  test('a run can be stopped, and started again', async () => {
    await page.goto(`/compare?rival=${rival.url}`);
    // Answers to the other side wait until the run was stopped.
    const gate = Promise.withResolvers<void>();
    await page.route(`${rival.url}/Pdp/**`, async (route) => {
      await gate.promise;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    gate.resolve();
    await page.getByRole('button', { name: 'Start again' }).waitFor();
    expect(await page.locator('[data-verdict]').innerText()).toBe('Stopped.');
    await page.getByRole('button', { name: 'Start again' }).click();
    await page.getByText('Half of the answers came within').waitFor();
  }, 60_000);

  test('a rival that fails is named', async () => {
    await page.goto(`/compare?rival=${rival.url}&name=monolith`);
    await page.route(`${rival.url}/Pdp/**`, (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Monolith: status 503. Is it still running?').waitFor();
  }, 60_000);

  test.each(['https://evil.example', 'javascript:alert(1)', 'http://localhost.evil.example'])(
    'a link can not bring %s into the page',
    async (address) => {
      const response = await page.goto(`/compare?rival=${encodeURIComponent(address)}`);
      expect(await page.locator('iframe').count()).toBe(0);
      expect(response?.headers()['content-security-policy']).toEndWith("frame-src 'self'");
      await page.locator('[data-no-rival]').waitFor();
    },
    30_000,
  );

  test('on a phone nothing runs out of the screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ['/', '/compare', `/compare?rival=${rival.url}`]) {
      await page.goto(path);
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390]);
    }
    expect(wrong).toEqual([]);
  }, 30_000);
});
