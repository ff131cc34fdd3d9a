// Whether a response may be stored and until when it may be used, decided once, when it arrives (RFC 9111 §3, §4.2; RFC 5861; RFC 9213).
// The decision is that of http-cache-semantics, which is given directives that were read exactly; what it does not know of is added.

/// <reference path="./http-cache-semantics.d.ts" />

import CachePolicy from 'http-cache-semantics';
import { parseHttpDate } from '../semantics/index.ts';
import { type Directives, lifetimeOf, parseDirectives, targetedDirectives } from './directives.ts';
import type { PageTimes, Rule } from './types.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Whether the request that fetched it carried Authorization. */
  readonly authorized: boolean;
  /** When the request went out and when its answer came, in ms since 1970. */
  readonly requestedMs: number;
  readonly receivedMs: number;
}

export type Assessment =
  | { readonly store: true; readonly times: PageTimes }
  /** `reason` completes "not stored: …". */
  | { readonly store: false; readonly reason: string };

/** What is served when the origin fails, unless a rule says otherwise, in ms: a week. */
export const defaultErrorMs = 7 * 24 * 3600 * 1000;
/** A page that can only be used after asking the origin is kept this long, in ms, or as long as it lived if that is longer. */
const validatorKeepMs = 24 * 3600 * 1000;
/** RFC 9111 §4.2.2: a tenth of the time since it changed, and no more than a day. */
const heuristicFraction = 0.1;
const heuristicMostMs = 24 * 3600 * 1000;

/** Status codes that may be stored without anybody saying so (RFC 9110 §15.1), as far as we serve them. */
const heuristicStatus: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);
const negativeStatus: ReadonlySet<number> = new Set([301, 308, 404, 410]);

/** What a rule's lifetime is for: pages, where they went, and that there are none. Refusals and errors last as long as the origin says, if it does. */
function isRuled(status: number): boolean {
  return status < 400 || negativeStatus.has(status);
}

function ruledMs(status: number, rule: Rule): number | undefined {
  if (rule.ttlMs === undefined || !isRuled(status)) return undefined;
  return negativeStatus.has(status) ? (rule.negativeTtlMs ?? rule.ttlMs) : rule.ttlMs;
}
/** Those whose meaning we know (RFC 9111 §5.2.2.3). */
const understood: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 500, 501, 502, 503, 504,
]);

export function assess(answered: Answered, rule: Rule): Assessment {
  const { status, headers } = answered;
  if (!rule.store) return refuse('the rule says so');
  if (status === 206 || status === 304 || status < 200) return refuse(`a ${status} is not a whole page`);
  if (hasStar(headers.get('vary'))) return refuse('it varies by everything');
  if (rule.setCookie === 'refuse' && headers.has('set-cookie')) return refuse('it sets a cookie');
  const said = directivesOf(answered, rule);
  const { directives } = said;
  if (directives.has('must-understand') && !understood.has(status)) return refuse(`the status ${status} is not known`);
  const policy = policyOf(answered, said);
  if (!policy.storable()) return refuse(reasonOf(directives, answered));
  const lifetime = lifetimeMs(answered, said, policy, rule);
  if (lifetime === undefined) return refuse('nothing says how long it lasts');
  return timesOf(answered, said, lifetime, rule);
}

function refuse(reason: string): Assessment {
  return { store: false, reason };
}

function reasonOf(directives: Directives, { authorized }: Answered): string {
  for (const name of ['no-store', 'private']) if (directives.has(name)) return `it says ${name}`;
  return authorized ? 'it belongs to who asked for it' : 'nothing says that it may be';
}

export function hasStar(vary: string | null): boolean {
  return vary?.split(',').some((name) => name.trim() === '*') ?? false;
}

interface Said {
  readonly directives: Directives;
  /** Expires counts: there is no targeted field and no rule in its place. */
  readonly expires: string | null;
  /** Whose word it is. */
  readonly by: 'origin' | 'targeted' | 'rule';
}

/** The rule's lifetime outranks targeted fields, which outrank Cache-Control and Expires. `private` and `no-store` are heard in any case. */
function directivesOf({ status, headers }: Answered, rule: Rule): Said {
  const targeted = targetedDirectives(headers);
  const general = parseDirectives(headers.get('cache-control'));
  const ruled = ruledMs(status, rule);
  if (ruled !== undefined) {
    const heard = targeted ?? general;
    const directives = new Map([['max-age', String(ruled / 1000)], ...[...heard].filter(([name]) => vetoes.has(name))]);
    return { directives, expires: null, by: 'rule' };
  }
  if (targeted) return { directives: targeted, expires: null, by: 'targeted' };
  // Pragma counts where there is no Cache-Control (RFC 9111 §5.4).
  if (general.size === 0 && /\bno-cache\b/i.test(headers.get('pragma') ?? ''))
    return { directives: new Map([['no-cache', '']]), expires: headers.get('expires'), by: 'origin' };
  return { directives: general, expires: headers.get('expires'), by: 'origin' };
}

const vetoes: ReadonlySet<string> = new Set(['private', 'no-store', 'must-understand']);

function policyOf({ status, headers, authorized }: Answered, { directives, expires }: Said): CachePolicy {
  const known = new Map(directives);
  // `private` and `no-cache` with field names speak of those fields alone; we take the careful reading (RFC 9111 §5.2.2.4, §5.2.2.7).
  for (const name of ['max-age', 's-maxage'])
    if (known.has(name)) known.set(name, String(lifetimeOf(directives, name)));
  // RFC 9111 §5.2.2.3: must-understand turns no-store off for those who understand.
  if (known.has('must-understand')) known.delete('no-store');
  const explicit = ['public', 'max-age', 's-maxage'].some((name) => known.has(name)) || expires !== null;
  return new CachePolicy(
    { method: 'GET', url: '/', headers: authorized ? { authorization: 'x' } : {} },
    {
      // RFC 9111 §3: with explicit freshness any final status may be stored.
      status: explicit && !heuristicStatus.has(status) ? 200 : status,
      headers: {
        'cache-control': [...known].map(([name, value]) => (value === '' ? name : `${name}="${value}"`)).join(', '),
        ...(expires !== null && { expires: expiresText(expires) }),
        ...(headers.has('date') && { date: headers.get('date') ?? '' }),
      },
    },
    { shared: true },
  );
}

/** A date that is none, '0' above all, is in the past (RFC 9111 §5.3). */
function expiresText(expires: string): string {
  return parseHttpDate(expires) === undefined ? new Date(0).toUTCString() : expires;
}

/** How long it is fresh, from when its age was zero; undefined: nobody says, and it is not to be guessed. */
function lifetimeMs(answered: Answered, said: Said, policy: CachePolicy, rule: Rule): number | undefined {
  const { directives, expires, by } = said;
  if (by === 'rule') return ruledMs(answered.status, rule) ?? 0;
  if (directives.has('no-cache')) return 0;
  const shared = lifetimeOf(directives, 's-maxage') ?? lifetimeOf(directives, 'max-age');
  if (shared !== undefined) return shared * 1000;
  if (expires !== null) {
    const until = parseHttpDate(expires);
    if (until === undefined) return 0;
    return Math.max(0, until - (parseHttpDate(answered.headers.get('date') ?? '') ?? answered.receivedMs));
  }
  if (rule.negativeTtlMs !== undefined && negativeStatus.has(answered.status)) return rule.negativeTtlMs;
  const guessed = rule.heuristic ? heuristicMs(answered, directives) : undefined;
  if (guessed !== undefined) return guessed;
  // Without a lifetime it is of use only if the origin can say that it still holds.
  const canValidate = answered.headers.has('etag') || answered.headers.has('last-modified');
  return canValidate && policy.storable() ? 0 : undefined;
}

function heuristicMs({ status, headers, receivedMs }: Answered, directives: Directives): number | undefined {
  if (!heuristicStatus.has(status) && !directives.has('public')) return undefined;
  const modified = parseHttpDate(headers.get('last-modified') ?? '');
  if (modified === undefined) return undefined;
  const date = parseHttpDate(headers.get('date') ?? '') ?? receivedMs;
  return Math.min(heuristicMostMs, Math.max(0, date - modified) * heuristicFraction);
}

function timesOf(answered: Answered, { directives, by }: Said, lifetime: number, rule: Rule): Assessment {
  const { status, headers, receivedMs } = answered;
  const ageMs = initialAgeMs(answered);
  const bornMs = receivedMs - (ageMs ?? 0);
  // An Age that can't be read makes it stale at once.
  const freshUntilMs = ageMs === undefined ? receivedMs : bornMs + lifetime;
  const mustValidate = by !== 'rule' && ['no-cache', 'must-revalidate'].some((name) => directives.has(name));
  // RFC 9111 §5.2.2.10: s-maxage means proxy-revalidate too; a rule that says so all the same is obeyed.
  const shouldValidate = by !== 'rule' && ['proxy-revalidate', 's-maxage'].some((name) => directives.has(name));
  const window = (ruled: number | undefined, name: string, otherwise: number): number => {
    // An error that may be kept is not worth more than the next answer.
    if (mustValidate || status >= 500) return 0;
    if (ruled !== undefined) return ruled;
    const said = lifetimeOf(directives, name);
    if (said !== undefined) return said * 1000;
    return shouldValidate ? 0 : otherwise;
  };
  const revalidateUntilMs = freshUntilMs + window(rule.staleWhileRevalidateMs, 'stale-while-revalidate', 0);
  const errorUntilMs = Math.max(
    revalidateUntilMs,
    freshUntilMs + window(rule.staleIfErrorMs, 'stale-if-error', defaultErrorMs),
  );
  const validatable = headers.has('etag') || headers.has('last-modified');
  if (!validatable && errorUntilMs <= receivedMs) return refuse('it is stale when it comes');
  const keepUntilMs = Math.max(
    errorUntilMs,
    validatable ? Math.max(freshUntilMs, receivedMs) + Math.max(lifetime, validatorKeepMs) : 0,
  );
  return {
    store: true,
    times: { bornMs, storedMs: receivedMs, freshUntilMs, revalidateUntilMs, errorUntilMs, keepUntilMs },
  };
}

/** RFC 9111 §4.2.3: the age a response has when it comes. Undefined: its Age can't be read. */
function initialAgeMs({ headers, requestedMs, receivedMs }: Answered): number | undefined {
  const text = headers.get('age');
  if (text !== null && !/^\d+$/.test(text)) return undefined;
  const date = parseHttpDate(headers.get('date') ?? '');
  const apparentMs = date === undefined ? 0 : Math.max(0, receivedMs - date);
  // A date has whole seconds: what is younger than two of them is as good as new.
  const apparent = apparentMs < 2000 ? 0 : apparentMs;
  const corrected = text === null ? 0 : Number(text) * 1000 + (receivedMs - requestedMs);
  return Math.max(apparent, corrected);
}
