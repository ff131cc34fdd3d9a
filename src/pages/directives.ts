// Cache-Control and its kin, read exactly (RFC 9111 §5.2; RFC 9213): names without case, quoted values, and numbers that are digits only.

/** Directive → argument; '' for one without. A directive that comes twice counts with the more careful of its arguments. */
export type Directives = ReadonlyMap<string, string>;

/** Seconds a lifetime may have at most (RFC 9111 §1.2.2). */
const maxSeconds = 2 ** 31;

/** Reads a Cache-Control value; several lines are joined by commas. */
export function parseDirectives(header: string | null | undefined): Directives {
  const directives = new Map<string, string>();
  if (!header) return directives;
  directive.lastIndex = 0;
  for (const [, name = '', quoted, plain] of header.matchAll(directive)) {
    const key = name.toLowerCase();
    const value = quoted === undefined ? (plain ?? '').trim() : quoted.replace(/\\(.)/g, '$1');
    const before = directives.get(key);
    directives.set(key, before === undefined ? value : moreCareful(before, value));
  }
  return directives;
}

const directive = /(?:^|,)\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=(?:"((?:[^"\\]|\\.)*)"|([^,]*))|(?=,|$|\s))[^,]*/g;

/** RFC 9111 §4.2.1: the first, or the shorter; an argument that is no number makes it stale. */
function moreCareful(first: string, second: string): string {
  const [a, b] = [secondsOf(first), secondsOf(second)];
  if (a === undefined || b === undefined) return a === undefined ? first : second;
  return a <= b ? first : second;
}

/** delta-seconds (RFC 9111 §1.2.2): digits only; undefined for anything else. */
export function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return Math.min(Number(text), maxSeconds);
}

/** The lifetime a directive gives: undefined when it is absent, 0 when its argument is no number (RFC 9111 §4.2.1). */
export function lifetimeOf(directives: Directives, name: string): number | undefined {
  const text = directives.get(name);
  return text === undefined ? undefined : (secondsOf(text) ?? 0);
}

/** Fields that speak to caches like this one alone, the most specific first (RFC 9213 §2.2). */
export const targetedFields = ['zerohop-cache-control', 'cdn-cache-control'] as const;

/**
 * The first targeted field that is valid and not empty, as directives: it replaces Cache-Control and Expires. It is a Dictionary of
 * Structured Fields (RFC 8941 §3.2), so that one error makes all of it void.
 */
export function targetedDirectives(headers: Pick<Headers, 'get'>): Directives | undefined {
  for (const field of targetedFields) {
    const text = headers.get(field);
    const parsed = text === null ? undefined : parseDictionary(text);
    if (parsed !== undefined && parsed.size > 0) return parsed;
  }
  return undefined;
}

/** Undefined: not valid. Values are given as text; parameters are left out; `?0` is as if it were not there. */
export function parseDictionary(text: string): Directives | undefined {
  const members = new Map<string, string>();
  let rest = text.trim();
  while (rest !== '') {
    const found = member.exec(rest);
    if (!found) return undefined;
    const [all, key = '', , value] = found;
    members.delete(key);
    if (value !== '?0') members.set(key, value === undefined || value === '?1' ? '' : unquoted(value));
    rest = rest.slice(all.length);
    const comma = /^[ \t]*,[ \t]*(?=.)/.exec(rest);
    if (rest.trim() !== '' && !comma) return undefined;
    rest = rest.slice(comma?.[0].length ?? rest.length);
  }
  return members;
}

const item = String.raw`-?\d{1,15}(?:\.\d{1,3})?|"(?:[ !#-\[\]-~]|\\["\\])*"|[A-Za-z*][!#$%&'*+.^_\x60|~0-9A-Za-z:/-]*|\?[01]|:[A-Za-z0-9+/=]*:`;
const parameters = `(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=(?:${item}))?)*`;
const member = new RegExp(
  String.raw`^([a-z*][a-z0-9_.*-]*)(=(${item}|\((?:[ ]*(?:${item})${parameters})*[ ]*\)))?${parameters}`,
);

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}
