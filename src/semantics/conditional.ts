// Conditional requests (RFC 9110 §13). An entity tag of a record is its tag (records/tag.ts: its version, unless it was
// patched), with a suffix for each way it is represented:
//
//   "1732155327000123"           as JSON          "1732155327000123-cbor"   as CBOR
//   "1732155327000123-br"        JSON, Brotli     "h8f3a..."                of a body that is no single record: its hash
//
// Here is what reads need; what conditions on writes become is in protocols/http/preconditions.ts.

import { ZerohopError } from '../base/index.ts';

/** `suffix`: what sets this representation apart from plain JSON ('', 'cbor', 'br', 'cbor-br'). */
export function entityTag(tag: number, suffix = ''): string {
  return suffix === '' ? `"${tag}"` : `"${tag}-${suffix}"`;
}

/** A tag for any bytes. */
export function contentTag(body: string | Uint8Array): string {
  return `"h${Bun.hash(body).toString(36)}"`;
}

/** The tag of the same thing in another content coding. */
export function tagWithCoding(tag: string, coding: string): string {
  return `${tag.slice(0, -1)}-${coding}"`;
}

export interface EntityTag {
  readonly weak: boolean;
  /** Without quotes. */
  readonly value: string;
}

/** Parses the value of If-Match or If-None-Match. Throws INVALID_HEADER. */
export function parseTags(header: string, name: string): '*' | readonly EntityTag[] {
  const text = header.trim();
  if (text === '*') return '*';
  const tags: EntityTag[] = [];
  let at = 0;
  while (at < text.length) {
    tagPattern.lastIndex = at;
    const match = tagPattern.exec(text);
    if (!match) {
      throw new ZerohopError('INVALID_HEADER', `${name} must be * or a list of quoted tags like "123", not ${text}.`, {
        header: name,
      });
    }
    if (match[2] !== undefined) tags.push({ weak: match[1] !== undefined, value: match[2] });
    at = tagPattern.lastIndex;
  }
  return tags;
}

// RFC 9110 §8.8.3: etagc is any visible character but the quote.
const tagPattern = /\s*(?:(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"\s*)?(?:,|$)/y;

/** Whether If-None-Match says that the client has this representation already: weak comparison (RFC 9110 §13.1.2). */
export function isKnown(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch === tag) return true;
  const tags = parseTags(ifNoneMatch, 'If-None-Match');
  if (tags === '*') return true;
  const value = tag.slice(tag.indexOf('"') + 1, -1);
  return tags.some((candidate) => candidate.value === value);
}

/**
 * Whether If-Modified-Since says so. Dates have whole seconds, so a record changed in the current second is never reported unchanged.
 * A date that is not valid is ignored (RFC 9110 §13.1.3).
 */
export function isUnmodifiedSince(header: string, version: number): boolean {
  const since = parseHttpDate(header);
  return since !== undefined && wholeSeconds(version) <= since;
}

/** The Last-Modified value, or undefined as long as the record may change again within the same second (RFC 9110 §8.8.2.2). */
export function lastModified(version: number, nowMs: number): string | undefined {
  const ms = wholeSeconds(version);
  return ms + 1000 <= nowMs ? new Date(ms).toUTCString() : undefined;
}

function wholeSeconds(version: number): number {
  return Math.floor(version / 1_000_000) * 1000;
}

/** Ms since 1970; undefined for what is none of the three forms of a date (RFC 9110 §5.6.7). */
export function parseHttpDate(text: string): number | undefined {
  const [, imfDay, imfMonth, imfYear, imfTime] = imfDate.exec(text) ?? [];
  if (imfDay !== undefined) return msOf(imfYear, imfMonth, imfDay, imfTime);
  const [, ansiMonth, ansiDay, ansiTime, ansiYear] = ansiDate.exec(text) ?? [];
  if (ansiDay !== undefined) return msOf(ansiYear, ansiMonth, ansiDay, ansiTime);
  const [, day, month, year, time] = rfc850Date.exec(text) ?? [];
  if (day === undefined) return undefined;
  // A year that looks more than 50 years ahead is in the past.
  const near = msOf(`20${year}`, month, day, time);
  return near !== undefined && near > Date.now() + fiftyYearsMs ? msOf(`19${year}`, month, day, time) : near;
}

const fiftyYearsMs = 50 * 365.25 * 24 * 3600 * 1000;
const time = String.raw`(\d\d:\d\d:\d\d)`;
const imfDate = new RegExp(String.raw`^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) ${time} GMT$`);
const rfc850Date = new RegExp(String.raw`^[A-Z][a-z]{5,8}, (\d\d)-([A-Z][a-z]{2})-(\d\d) ${time} GMT$`);
const ansiDate = new RegExp(String.raw`^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) ${time} (\d{4})$`);

function msOf(year = '', month = '', day = '', time = ''): number | undefined {
  const ms = Date.parse(`${day.trim().padStart(2, '0')} ${month} ${year} ${time} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}
