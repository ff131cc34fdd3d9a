// Names that pages are purged by, as headers tell them: Surrogate-Key (spaces), Cache-Tag (commas), Cache-Groups (RFC 9875 §2).

/** Of a page as its origin sends it, or of an order to purge. */
export function tagsNamedIn(headers: Headers): readonly string[] {
  return [
    ...(headers.get('surrogate-key') ?? '').split(/[\s,]+/),
    ...(headers.get('cache-tag') ?? '').split(',').map((tag) => tag.trim()),
    ...groupsOf(headers.get('cache-groups')),
  ].filter((tag) => tag !== '');
}

/** A list of strings (RFC 8941 §3.3.3). */
export function groupsOf(header: string | null): readonly string[] {
  return [...(header ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, group = '']) => group.replace(/\\(.)/g, '$1'));
}
