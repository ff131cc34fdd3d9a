// PURGE over HTTP, for administrators: the address itself, everything (`/*`), or by tags (`Surrogate-Key`, `Cache-Tag`, `Cache-Groups`). `Soft-Purge: 1` makes
// stale, `Dry-Run: 1` only counts.

import { ZerohopError } from '../base/index.ts';
import { keyOf } from './key.ts';
import type { PageStore } from './page-store.ts';
import { type PurgeOrder, purge } from './purge.ts';
import { tagsNamedIn } from './tags.ts';
import type { PageRequest, Rule, Site } from './types.ts';

export async function answerPurge(
  store: PageStore,
  site: Site,
  rule: Rule | undefined,
  request: PageRequest,
): Promise<Response> {
  const { headers, user } = request;
  if (user === null) throw new ZerohopError('UNAUTHENTICATED', 'PURGE is for administrators. Log in.');
  if (!user.superUser) throw new ZerohopError('FORBIDDEN', 'PURGE is for administrators.');
  const hard = !isOn(headers.get('soft-purge') ?? headers.get('fastly-soft-purge'));
  const dryRun = isOn(headers.get('dry-run'));
  let count = 0;
  for (const order of ordersOf(site, rule, request)) count += await purge(store, { ...order, hard, dryRun });
  return Response.json({ purged: count, hard, dryRun });
}

function ordersOf(
  site: Site,
  rule: Rule | undefined,
  { url, headers }: PageRequest,
): Pick<PurgeOrder, 'site' | 'kind' | 'value'>[] {
  const tags = tagsNamedIn(headers);
  if (tags.length > 0) return tags.map((value) => ({ site: site.id, kind: 'tag', value }));
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  if (path === `${site.path}/*`) return [{ site: site.id, kind: 'all', value: '' }];
  refusePattern(path, `the path ${site.path}/*`);
  const keyed = rule && keyOf(site, { ...rule, otherCookies: 'drop' }, path, mark < 0 ? '' : url.slice(mark), headers);
  return keyed ? [{ site: site.id, kind: 'url', value: keyed.url }] : [];
}

/** Silence would look as if the pages were gone. @param all how everything is named */
export function refusePattern(path: string, all: string): void {
  if (path.endsWith('*'))
    throw new ZerohopError(
      'INVALID_REQUEST',
      `A purge names one page, a tag or everything: ${path} is none of these. Everything is ${all}; pages that belong together have a tag.`,
    );
}

function isOn(header: string | null): boolean {
  return header !== null && /^(1|true|yes)$/i.test(header.trim());
}
