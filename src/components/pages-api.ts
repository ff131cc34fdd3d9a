// The page cache, as app code has it. Without the cache itself: few apps have one.

import { ZerohopError } from '../base/index.ts';
import type { OutageMode, PagesControl, PagesStatus, PurgeRequest } from '../pages/index.ts';
import { type AppNode, currentNode } from '../resources/index.ts';

/** The page cache of each node that has one. */
export const pagesOf = new WeakMap<AppNode, PagesControl>();

function current(): PagesControl {
  const control = pagesOf.get(currentNode());
  if (control) return control;
  throw new ZerohopError('INVALID_CONFIG', 'This app has no page cache: config.yaml has no "pages".');
}

export const appPages = {
  /** Removes pages by `url`, by `tag` or `all`, or makes them stale with `soft`; resolves with how many when every thread sees it. */
  purge: (request: PurgeRequest): Promise<number> => current().purge(request),
  /** Switches origins off (`on`) and on again (`auto`). */
  outage: (mode: OutageMode, site?: string): Promise<void> => current().outage(mode, site),
  status: (): PagesStatus => current().status(Date.now()),
};
