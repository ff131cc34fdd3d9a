// What a client accepts (RFC 9110 §12.4, §12.5): parsing of Accept and Accept-Encoding, and the choice among what we can make.

interface Preference {
  /** Lower case, without parameters. */
  readonly name: string;
  /** 0 to 1. */
  readonly quality: number;
}

/** Most entries that are looked at in one header; the rest is ignored. */
const maxPreferences = 50;

/** Parses a list with q-values. Entries that are not well-formed are left out. */
export function parsePreferences(header: string): Preference[] {
  const preferences: Preference[] = [];
  for (const entry of header.split(',', maxPreferences)) {
    const [name, ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    if (!name) continue;
    const q = parameters.find((parameter) => /^q\s*=/.test(parameter));
    const quality = q === undefined ? 1 : parseQuality(q.slice(q.indexOf('=') + 1).trim());
    if (quality !== undefined) preferences.push({ name, quality });
  }
  return preferences;
}

/** RFC 9110 §12.4.2: 0 to 1 with up to three decimals. */
function parseQuality(text: string): number | undefined {
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}

export interface Offer {
  /** 'application/json'. */
  readonly type: string;
  /** How gladly we make it, 0 to 1. */
  readonly quality: number;
}

/**
 * The offer with the highest client quality × server quality; the first one wins a tie. Undefined: none is acceptable.
 * A media range that names an offer more closely overrides a wider one (RFC 9110 §12.5.1).
 */
export function chooseType<T extends Offer>(accept: string | null, offers: readonly T[]): T | undefined {
  if (accept === null || accept.trim() === '') return best(offers, (offer) => offer.quality);
  const preferences = parsePreferences(accept);
  return best(offers, (offer) => offer.quality * qualityOf(offer.type, preferences));
}

function qualityOf(type: string, preferences: readonly Preference[]): number {
  const anySubtype = `${type.slice(0, type.indexOf('/'))}/*`;
  for (const range of [type, anySubtype, '*/*']) {
    const found = preferences.find((preference) => preference.name === range);
    if (found) return found.quality;
  }
  return 0;
}

export type Encoding = 'br' | 'zstd' | 'gzip';

/** By preference where the client has none: how small they come out at the effort we spend. */
const encodings: readonly Encoding[] = ['br', 'zstd', 'gzip'];

/** The content coding to use; undefined: send as it is. `x-gzip` is gzip (RFC 9110 §8.4.1.3). */
export function chooseEncoding(acceptEncoding: string | null): Encoding | undefined {
  if (acceptEncoding === null) return undefined;
  const preferences = parsePreferences(acceptEncoding);
  const find = (name: string) => preferences.find((preference) => preference.name === name)?.quality;
  const wildcard = find('*') ?? 0;
  const quality = (encoding: Encoding) =>
    find(encoding) ?? (encoding === 'gzip' ? find('x-gzip') : undefined) ?? wildcard;
  const chosen = best(encodings, quality);
  const identity = find('identity') ?? 0;
  return chosen !== undefined && quality(chosen) >= identity ? chosen : undefined;
}

function best<T>(items: readonly T[], score: (item: T) => number): T | undefined {
  let chosen: T | undefined;
  let highest = 0;
  for (const item of items) {
    const value = score(item);
    if (value > highest) {
      highest = value;
      chosen = item;
    }
  }
  return chosen;
}
