// Responses that vary by what is asked for: each variant is a page with a key of its own.

import { parsePreferences } from '../semantics/index.ts';
import { variantOf } from './key.ts';
import type { Variant } from './page-rows.ts';

/**
 * The variant in the language the client likes most, though it said so in other words than who fetched it: the origin could do no better
 * (RFC 9111 §4.1 leaves the selection to us where it is known that the result is the same).
 */
export function inPreferredLanguage(
  vary: readonly string[],
  variants: readonly Variant[],
  forward: Headers,
): Variant | undefined {
  const ranges = parsePreferences(forward.get('accept-language') ?? '').toSorted((a, b) => b.quality - a.quality);
  const [first, second] = ranges;
  if (!first || first.quality === 0 || first.quality === second?.quality) return undefined;
  const rest = restOf(vary, forward);
  return variants.find((variant) => variant.language === first.name && variant.rest === rest);
}

/** As `inPreferredLanguage`, of a response that is not stored yet. @param made what the origin saw when it made it */
export function isInPreferredLanguage(
  vary: readonly string[],
  response: Headers,
  made: Headers,
  forward: Headers,
): boolean {
  const language = response.get('content-language')?.toLowerCase();
  if (language === undefined || !vary.includes('accept-language')) return false;
  return inPreferredLanguage(vary, [{ key: '', language, rest: restOf(vary, made) }], forward) !== undefined;
}

/** What a request has besides its language. */
export function restOf(vary: readonly string[], forward: Headers): string {
  const others = vary.filter((name) => name !== 'accept-language');
  return others.length === 0 ? '' : variantKey('', others, forward);
}

export function variantKey(key: string, vary: readonly string[], forward: Headers): string {
  const hash = new Bun.CryptoHasher('sha256').update(variantOf(vary, forward)).digest('base64url').slice(0, 22);
  return `${key} vary:${hash}`;
}
