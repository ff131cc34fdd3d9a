// The shop as one Zerohop node, as one Fastify process and as microservices: all of them answer the same, byte by byte.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { products } from '../../bench/shop/catalogue.ts';
import { createStack, type Stack, stackNames } from '../../bench/shop/stacks.ts';
import { postgresFolder } from '../../tools/requirements.ts';

const atOnce = 32;

describe.skipIf(postgresFolder() === undefined)('all stacks of the shop', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-stacks-'));
  const stacks: Stack[] = [];

  beforeAll(async () => {
    stacks.push(...(await Promise.all(stackNames.map((name) => createStack(name, join(folder, name))))));
    await Promise.all(stacks.map((stack) => stack.start()));
  }, 120_000);

  afterAll(async () => {
    await Promise.all(stacks.map((stack) => stack[Symbol.asyncDispose]()));
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const sorts = ['', '?sort=rating', '?sort=price', '?sort=-price', '?sort=name'];
  const listings = products.categories.flatMap((id) => sorts.map((sort) => `/Plp/${id}${sort}`));
  test.each<[string, readonly string[]]>([
    ['Home', ['/Home/']],
    ['PLP, each category in each order', listings],
    ['PLP, pages behind the last', ['/Plp/c-01?page=2', '/Plp/c-40?sort=name&page=200']],
    ['PDP, each product', products.ids.map((id) => `/Pdp/${id}`)],
    ['files of the front end', ['/assets/shop.css', '/assets/shop.js', '/assets/icon.svg']],
  ])(
    '%s',
    async (_name, paths) => {
      for (let at = 0; at < paths.length; at += atOnce) await Promise.all(paths.slice(at, at + atOnce).map(compare));
    },
    60_000,
  );

  async function compare(path: string): Promise<void> {
    const answers = await Promise.all(stacks.map((stack) => answerOf(stack, path)));
    const [unified] = answers;
    expect(unified?.body.length).toBeGreaterThan(100);
    const expected = stacks.map(({ name }) => ({ path, name, status: 200, body: unified?.body ?? '' }));
    expect(answers.map((answer, at) => ({ path, name: stacks[at]?.name ?? 'unified', ...answer }))).toEqual(expected);
  }

  test.each<[string, number]>([
    ['/Pdp/p-9999', 404],
    ['/Plp/c-99', 404],
    ['/Plp/c-01?sort=weight', 400],
    ['/Plp/c-01?page=0', 400],
    ['/Plp/c-01?page=one', 400],
  ])('%s is refused with %i by all, with the same words', async (path, status) => {
    const answers = await Promise.all(stacks.map((stack) => answerOf(stack, path)));
    const refusals = answers.map((answer) => ({ status: answer.status, detail: detailOf(answer.body) }));
    const detail = String(refusals[0]?.detail);
    expect(detail).toContain(path.endsWith('9') ? 'There is no' : 'it was');
    expect(refusals).toEqual(stacks.map(() => ({ status, detail })));
  });
});

async function answerOf({ url }: Stack, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url + path);
  return { status: response.status, body: await response.text() };
}

function detailOf(body: string): unknown {
  return Object(JSON.parse(body)).detail;
}
