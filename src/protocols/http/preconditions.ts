// Conditions on writes (RFC 9110 §13): they become a `Precondition`, which the store checks at commit.

import { type EntityTag, parseHttpDate, parseTags } from '../../semantics/index.ts';
import type { Precondition } from '../../store/index.ts';

/** What a write asks for before it happens. Undefined: nothing. */
export function preconditionOf(headers: Headers): Precondition | undefined {
  const ifMatch = headers.get('if-match');
  const ifNoneMatch = headers.get('if-none-match');
  if (ifMatch === null && ifNoneMatch === null) return undefined;
  const precondition: { versions?: number[]; notVersions?: number[]; exists?: boolean } = {};
  if (ifMatch !== null) {
    const tags = parseTags(ifMatch, 'If-Match');
    precondition.exists = true;
    // Strong comparison (RFC 9110 §13.1.1): a weak tag matches nothing.
    if (tags !== '*') precondition.versions = versionsOf(tags.filter((tag) => !tag.weak));
  }
  if (ifNoneMatch !== null) {
    const tags = parseTags(ifNoneMatch, 'If-None-Match');
    if (tags === '*') precondition.exists = false;
    else precondition.notVersions = versionsOf(tags);
  }
  return precondition;
}

/** Tags that no record ever had become no version at all. */
function versionsOf(tags: readonly EntityTag[]): number[] {
  return tags
    .map((tag) => /^(\d{1,16})(-[a-z-]+)?$/.exec(tag.value)?.[1])
    .flatMap((text) => (text ? [Number(text)] : []));
}

/** If-Unmodified-Since in microseconds: the newest version that still fits. Ignored beside If-Match (RFC 9110 §13.1.4). */
export function unmodifiedLimit(headers: Headers): number | undefined {
  const header = headers.get('if-unmodified-since');
  if (header === null || headers.has('if-match')) return undefined;
  const ms = parseHttpDate(header);
  return ms === undefined ? undefined : ms * 1000 + 999_999;
}
