// The shop as a visitor has it: a real node, a real browser.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { startNode, type TestNode } from '../support/start-node.ts';
import { chromiumPath, launchChromium } from './chromium.ts';

if (chromiumPath === undefined)
  console.warn('Skipped: the browser tests need Chromium (Debian: apt-get install chromium).');

describe.skipIf(chromiumPath === undefined)('the shop in Chromium', () => {
  let node: TestNode;
  let browser: Browser;
  beforeAll(async () => {
    [node, browser] = await Promise.all([
      startNode({ app: resolve(import.meta.dirname, '../../apps/store') }),
      launchChromium(),
    ]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await node?.[Symbol.asyncDispose]();
  });

  let context: BrowserContext;
  let page: Page;
  let wrong: string[];
  beforeEach(async () => {
    await open({ width: 1280, height: 900 });
  });
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });

  /** A new visitor. Everything the browser complains about ends up in `wrong`. */
  async function open(viewport: { width: number; height: number }, javaScriptEnabled = true): Promise<void> {
    await context?.close();
    wrong = [];
    context = await browser.newContext({ baseURL: node.url, viewport, javaScriptEnabled });
    context.setDefaultTimeout(10_000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
    });
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      // A browser that leaves a page gives up what it was still loading.
      if (reason !== 'net::ERR_ABORTED') wrong.push(`${request.url()} failed: ${reason}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) wrong.push(`${response.url()}: ${response.status()}`);
      if (!response.url().startsWith(node.url)) wrong.push(`${response.url()} is not the shop's own`);
    });
  }

  async function stockOf(product: string): Promise<number> {
    const response = await fetch(`${node.url}/Inventory/${product}`);
    return Object(await response.json()).quantity;
  }

  async function setStock(product: string, quantity: number): Promise<void> {
    await fetch(`${node.url}/Inventory/${product}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ quantity }),
    });
  }

  const prices = () => page.locator('.grid .price').allInnerTexts();
  const inDollars = (text: string) => Number(text.replace(/[^\d.]/g, ''));

  test('home → listing → sort → page 2 → product → basket → quantity → order → less in stock', async () => {
    await page.goto('/');
    expect(await page.locator('h1').innerText()).not.toBe('');
    expect(await page.locator('.department').count()).toBe(8);
    await page.locator('.department').getByRole('link', { name: 'Kettles' }).click();
    await page.waitForURL('**/c/c-02');
    expect(await page.locator('h1').innerText()).toBe('Kettles');
    expect(await page.locator('.card').count()).toBe(24);

    await page.getByRole('link', { name: 'Price, low to high' }).click();
    await page.waitForURL('**/c/c-02?sort=price');
    const first = (await prices()).map(inDollars);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    await page.getByRole('link', { name: 'Next' }).click();
    await page.waitForURL('**/c/c-02?sort=price&page=2');
    expect(await page.locator('.card').count()).toBe(6);
    expect(inDollars((await prices())[0] ?? '')).toBeGreaterThanOrEqual(first.at(-1) ?? Number.POSITIVE_INFINITY);

    const link = page.locator('.card a').first();
    const product = (await link.getAttribute('href'))?.split('/').pop() ?? '';
    await setStock(product, 9);
    await link.click();
    await page.waitForURL(`**/p/${product}`);
    expect(await page.locator('.review-list li').count()).toBeGreaterThanOrEqual(3);
    await page.getByLabel('Quantity').selectOption('2');
    await page.getByRole('button', { name: 'Add to basket' }).click();
    await page.getByText('Added to your basket.').waitFor();
    expect(await page.locator('[data-basket-count]').innerText()).toBe('2');

    await page.getByRole('link', { name: 'View basket' }).click();
    await page.waitForURL('**/basket');
    const quantity = page.getByLabel('Quantity');
    await quantity.fill('3');
    await quantity.press('Tab');
    await page.getByText('Basket updated.').waitFor();
    expect(await page.locator('[data-basket-count]').innerText()).toBe('3');
    await quantity.fill('999');
    await quantity.press('Tab');
    await page.getByText('A basket holds up to 99 of one product. There are still 3 of it.').waitFor();
    expect(await quantity.inputValue()).toBe('3');

    await page.getByLabel('Name').fill('Ada Byron');
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Address').fill('12 St James’s Square\nLondon');
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.waitForURL('**/order/*');
    expect(await page.locator('h1').innerText()).toBe('Thank you, Ada.');
    expect(await stockOf(product)).toBe(6);
    expect(await page.locator('[data-basket-count]').isHidden()).toBe(true);
  }, 60_000);

  test('search finds, and says when it does not', async () => {
    await page.goto('/');
    await page.getByLabel('Search for products').fill('enamelled kettle');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/search?q=enamelled+kettle');
    expect(await page.locator('.card').count()).toBeGreaterThan(0);
    await page.getByLabel('Search for products').fill('quixotic');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL('**/search?q=quixotic');
    expect(await page.locator('.card').count()).toBe(0);
    await page.getByText('Nothing matches all of these words.').waitFor();
  }, 30_000);

  test('the gallery shows the picture that is picked', async () => {
    await page.goto('/p/p-0003');
    await page.getByRole('link', { name: 'at home' }).click();
    expect(await page.locator('.gallery-main img').getAttribute('src')).toEndWith('-3.svg');
    expect(await page.locator('.gallery-main img').getAttribute('alt')).toEndWith('at home');
  }, 30_000);

  test('removing the last line leaves an empty basket', async () => {
    await page.goto('/p/p-0003');
    await page.getByRole('button', { name: 'Add to basket' }).click();
    await page.getByText('Added to your basket.').waitFor();
    await page.goto('/basket');
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'Your basket is empty' }).waitFor();
    expect(await page.locator('[data-basket-count]').isHidden()).toBe(true);
  }, 30_000);

  test('only the keyboard: skip to the content, choose, add to the basket', async () => {
    await page.goto('/p/p-0003');
    const focused = () =>
      page.evaluate<{ id: string; text: string; outline: string }>(`({
        id: document.activeElement.id,
        text: document.activeElement.textContent.trim(),
        outline: getComputedStyle(document.activeElement).outlineStyle,
      })`);
    await page.keyboard.press('Tab');
    expect((await focused()).text).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect((await focused()).id).toBe('main');
    const outlines: string[] = [];
    for (let presses = 0; presses < 20 && (await focused()).text !== 'Add to basket'; presses++) {
      await page.keyboard.press('Tab');
      outlines.push((await focused()).outline);
      if ((await focused()).id === 'quantity') await page.keyboard.press('ArrowDown');
    }
    expect(new Set(outlines)).toEqual(new Set(['solid']));
    expect((await focused()).text).toBe('Add to basket');
    await page.keyboard.press('Enter');
    await page.getByText('Added to your basket.').waitFor();
    expect(await page.locator('[role="status"][aria-live]').innerText()).toContain('Added to your basket.');
    expect(await page.locator('[data-basket-count]').innerText()).toBe('2');
  }, 30_000);

  test('menus open by keyboard, close by Escape', async () => {
    await page.goto('/');
    const kitchen = page.locator('.menu-one').first();
    await kitchen.locator('summary').focus();
    await page.keyboard.press('Enter');
    await kitchen.getByRole('link', { name: 'Mugs' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await kitchen.getByRole('link', { name: 'Mugs' }).isVisible()).toBe(false);
  }, 30_000);

  test('on a phone nothing runs out of the screen, and buttons are large enough for a thumb', async () => {
    await open({ width: 390, height: 844 });
    await page.goto('/p/p-0003');
    await page.getByRole('button', { name: 'Add to basket' }).click();
    await page.getByText('Added to your basket.').waitFor();
    for (const path of ['/', '/c/c-01', '/p/p-0003', '/search?q=lamp', '/search?q=quixotic', '/basket']) {
      await page.goto(path);
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390]);
      for (const button of await page.locator('main .button').all()) {
        expect((await button.boundingBox())?.height ?? 0).toBeGreaterThanOrEqual(44);
      }
    }
    await page.goto('/');
    await page.getByText('Shop', { exact: true }).click();
    await page.locator('.menu-sheet').getByRole('link', { name: 'Boots' }).click();
    await page.waitForURL('**/c/c-30');
  }, 60_000);

  test('without scripts a visitor can still buy', async () => {
    await open({ width: 1280, height: 900 }, false);
    await page.goto('/p/p-0003');
    await page.getByRole('button', { name: 'Add to basket' }).click();
    await page.waitForURL('**/basket');
    await page.getByLabel('Quantity').fill('2');
    await page.getByRole('button', { name: 'Update' }).click();
    await page.getByText('2 items').waitFor();
    await page.getByLabel('Name').fill('Ada');
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Address').fill('London');
    await page.getByRole('button', { name: 'Place order' }).click();
    await page.waitForURL('**/order/*');
  }, 60_000);

  test('every page has one h1, a title of its own, labelled fields and no duplicate ids', async () => {
    const titles = new Set<string>();
    const paths = ['/', '/c/c-01', '/p/p-0003', '/search?q=lamp', '/basket'];
    for (const path of paths) {
      await page.goto(path);
      titles.add(await page.title());
      const found = await page.evaluate<Record<string, unknown>>(`(() => {
        const all = (selector) => [...document.querySelectorAll(selector)];
        const ids = all('[id]').map(({ id }) => id);
        return {
          headings: all('h1').length,
          duplicates: ids.filter((id, at) => ids.indexOf(id) !== at),
          unlabelled: all('input:not([type=hidden]), select, textarea').filter(({ labels }) => labels.length === 0).length,
          withoutAlt: all('img:not([alt])').length,
        };
      })()`);
      expect([path, found]).toEqual([path, { headings: 1, duplicates: [], unlabelled: 0, withoutAlt: 0 }]);
    }
    expect(titles.size).toBe(paths.length);
  }, 60_000);
});
