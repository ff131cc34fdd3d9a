// `pages`: the page cache in front of other sites. Before everything else of the app: what is for one of its sites is answered here.

import { PageStore, Pages, PageUpkeep, readPages, SharedState } from '../pages/index.ts';
import type { HttpRequest, HttpStep } from '../protocols/http/index.ts';
import type { AppNode } from '../resources/index.ts';

/** What the threads of a node share for it, and which of them this is. */
export interface PagesMemory {
  readonly buffer: SharedArrayBuffer;
  readonly thread: number;
}

export interface LoadedPages {
  readonly step: HttpStep;
  close(): void;
}

export async function loadPages(
  value: unknown,
  node: AppNode,
  primary: boolean,
  memory: PagesMemory | undefined,
): Promise<LoadedPages> {
  const { sites, diskBytes, memoryBytes } = readPages(value);
  const { databases, log } = node;
  if (primary) await PageStore.prepare(databases, sites);
  const state = new SharedState(memory?.buffer, memory?.thread);
  const pages = new Pages({ sites, databases, state, log, hotBytes: memoryBytes });
  const upkeep = primary ? new PageUpkeep({ store: pages.store, diskBytes, log }) : undefined;
  upkeep?.start();
  return {
    step: {
      name: 'pages',
      before: 'authentication',
      handle: (request: HttpRequest, next) => pages.handle(request) ?? next(request),
    },
    close: () => upkeep?.stop(),
  };
}
