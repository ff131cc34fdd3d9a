// A node whose app is nothing but `pages`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeOptions, startNode, type TestNode } from './start-node.ts';

export interface PagesNode extends TestNode {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** How many pages there are in the store. A page answers as a hit before it is there. */
  stored(): Promise<number>;
}

/** @param pages the value of `pages` in config.yaml */
export async function startPagesNode(pages: unknown, options: Omit<NodeOptions, 'app'> = {}): Promise<PagesNode> {
  const app = mkdtempSync(join(tmpdir(), 'zerohop-pages-'));
  // JSON is YAML.
  writeFileSync(join(app, 'config.yaml'), JSON.stringify({ pages }));
  const node = await startNode({ ...options, app });
  return {
    ...node,
    get: (path, headers = {}) => fetch(node.url + path, { headers, redirect: 'manual' }),
    async stored() {
      const asked = { method: 'POST', body: '{"operation":"pages_status"}' };
      const status = (await (await fetch(node.operationsUrl, asked)).json()) as { pages: number };
      return status.pages;
    },
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      rmSync(app, { recursive: true, force: true });
    },
  };
}
