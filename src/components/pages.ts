// `pages`: the page cache in front of other sites. Before everything else of the app: what is for one of its sites is answered here.

import { limits } from '../base/index.ts';
import { PageStore, Pages, readSites, SharedState } from '../pages/index.ts';
import type { HttpRequest, HttpStep } from '../protocols/http/index.ts';
import type { AppNode } from '../resources/index.ts';

/** What the threads of a node share for it, and which of them this is. */
export interface PagesMemory {
  readonly buffer: SharedArrayBuffer;
  readonly thread: number;
}

export async function loadPages(
  value: unknown,
  node: AppNode,
  primary: boolean,
  memory: PagesMemory | undefined,
): Promise<HttpStep> {
  const sites = readSites(value);
  if (primary) await PageStore.prepare(node.databases, sites);
  const pages = new Pages({
    sites,
    databases: node.databases,
    state: new SharedState(memory?.buffer, memory?.thread),
    log: node.log,
    hotBytes: limits.hotPageBytes,
  });
  return {
    name: 'pages',
    before: 'authentication',
    handle: (request: HttpRequest, next) => pages.handle(request) ?? next(request),
  };
}
