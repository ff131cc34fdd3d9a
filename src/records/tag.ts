// What tells one content of a record from another, for entity tags and for everything that asks whether a record is still as it was read.
//
//   written whole     its version
//   patched           a number above all versions, made of the version and the merge state
//
// A patch that arrives from another node and is older than the record's version changes the content and not the version, so the version does
// not tell. The merge state does: it names each write the content is made of, in one form on every node (merge-text.ts).

/** Above the versions of the next hundred years, and with 52 bits below it that a number holds exactly. */
const firstTag = 2 ** 52;

/** @param merge the merge state as text, as `mergeToText` gives it; null for a record written whole */
export function tagOfRow(version: number, merge: string | null): number {
  if (merge === null) return version;
  const text = `${version} ${merge}`;
  return firstTag + (Bun.hash.xxHash32(text, 1) % 2 ** 20) * 2 ** 32 + Bun.hash.xxHash32(text, 2);
}

/** The tag of a record that was read: see `tagOfRow`. */
export function tagOf({ version, tag }: Tagged): number {
  return tag ?? version;
}

export interface Tagged {
  /** Microseconds since 1970. */
  readonly version: number;
  /** Absent where it is the version. */
  readonly tag?: number;
}

/** For a record that is made of a row: its tag where that is not the version. */
export function tagFields(version: number, merge: unknown): { readonly tag?: number } | undefined {
  return typeof merge === 'string' ? { tag: tagOfRow(version, merge) } : undefined;
}
