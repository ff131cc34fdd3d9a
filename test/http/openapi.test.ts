// The description of the API, as other tools read it.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Resource } from '../../src/resources/index.ts';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { properties?: Record<string, unknown> }>> };
}

let node: HttpNode;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-openapi-'));
  node = await startHttpNode({
    schema: `
      """What is sold."""
      type Product @table @export {
        id: ID @primaryKey
        """Shown to customers."""
        name: String! @indexed
        price: Float
        madeAt: Date
        picture: Blob
        code: Bytes
        tags: [String!]
        size: Size
        brandId: Int @indexed
        brand: Brand @relationship(from: "brandId")
        label: String @computed(from: "name + '!'")
        created: Float @createdTime
      }
      type Size { width: Int height: Int }
      type Brand @table @export(name: "brands") @sealed { id: Int @primaryKey name: String products: [Product] @relationship(to: "brandId") }
      type Secret @table { id: ID @primaryKey }`,
    resources: ({ registry }) => {
      class Home extends Resource {
        static override description = 'The first page.';
        static override get() {
          return {};
        }
        static override post() {}
      }
      class Widget extends Resource {
        static override get() {
          return {};
        }
      }
      class Hidden extends Widget {
        static override hidden = true;
      }
      registry.set('widget/:id/action/:action', Widget);
      registry.set('files/*path', Widget);
      return { Home, Hidden };
    },
  });
});
afterAll(async () => {
  await node.stop();
  rmSync(folder, { recursive: true });
});

test('it names all that is published, and nothing else', async () => {
  const document = (await node.get('/openapi')) as Document;
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths).sort()).toEqual([
    '/Home',
    '/Home/{id}',
    '/Product',
    '/Product/{id}',
    '/brands',
    '/brands/{id}',
    '/files/{path}',
    '/widget/{id}/action/{action}',
  ]);
  expect(Object.keys(document.paths['/Product/{id}'] ?? {}).sort()).toEqual([
    'delete',
    'get',
    'parameters',
    'patch',
    'put',
  ]);
  expect(document.components.schemas.Product?.properties).toMatchObject({
    name: { type: 'string', description: 'Shown to customers.' },
    tags: { type: ['array', 'null'], items: { type: 'string' } },
    label: { readOnly: true },
    size: { properties: { width: { type: ['integer', 'null'], format: 'int32' } } },
  });
  expect(await node.get('/openapi.json')).toEqual(document);
});

test('redocly lint finds nothing', async () => {
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(await node.get('/openapi')));
  const command = resolve(import.meta.dirname, '../../node_modules/@redocly/cli/bin/cli.js');
  const lint = Bun.spawn(['node', command, 'lint', file, '--format', 'json'], {
    cwd: folder,
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const report = JSON.parse(await new Response(lint.stdout).text()) as { totals: unknown; problems: unknown };
  expect(report).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] });
}, 60_000);
