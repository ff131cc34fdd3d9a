// What answers carry for browsers.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Resource } from '../../src/resources/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({
    schema:
      'type File @table @export { id: ID @primaryKey  picture: Blob }\ntype Doc @table @export { id: ID @primaryKey }',
    resources: () => ({
      Page: class extends Resource {
        static override get() {
          return new Response('<p>Hi', { headers: { 'content-type': 'text/html' } });
        }
      },
      Framed: class extends Resource {
        static override get() {
          const headers = { 'content-type': 'text/html', 'content-security-policy': 'frame-ancestors *' };
          return new Response('<p>Hi', { headers });
        }
      },
    }),
  });
  await node.send('PUT', '/File/1', {});
  await node.send('PUT', '/File/1/picture', '<svg onload="steal()"/>', { 'content-type': 'image/svg+xml' });
  await node.send('PUT', '/Doc/page', '<script>steal()</script>', { 'content-type': 'text/html' });
  await node.send('PUT', '/Doc/1', {});
});
afterAll(() => node.stop());

test('uploaded pages run no scripts', async () => {
  for (const path of ['/File/1.picture', '/Doc/page']) {
    const { headers, status } = await node.fetch(path);
    expect([path, status, headers.get('content-security-policy'), headers.get('x-content-type-options')]).toEqual([
      path,
      200,
      'sandbox',
      'nosniff',
    ]);
  }
});

test('answers say that they are what they are', async () => {
  for (const path of ['/Doc/1', '/Doc/', '/Doc', '/Doc/none', '/Page/', '/nowhere', '/openapi']) {
    const { headers } = await node.fetch(path);
    expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff']);
  }
  const { headers } = await node.fetch('/Page/');
  expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  const framed = await node.fetch('/Framed/');
  expect(framed.headers.get('x-frame-options')).toBeNull();
});

test('an unexpected error tells nothing of itself', async () => {
  const quiet = await startHttpNode({
    schema: '',
    resources: () => ({
      Broken: class extends Resource {
        static override get() {
          throw new Error('the password of the database is swordfish');
        }
      },
    }),
  });
  try {
    const response = await quiet.fetch('/Broken/');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('swordfish');
  } finally {
    await quiet.stop();
  }
});
