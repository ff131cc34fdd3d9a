// A node whose app is nothing but `pages`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeOptions, startNode, type TestNode } from './start-node.ts';

export interface PagesNode extends TestNode {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
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
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      rmSync(app, { recursive: true, force: true });
    },
  };
}
