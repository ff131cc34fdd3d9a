// What `get` of a source gave, whatever it is, as what the cache needs to know.

import { ZerohopError } from '../base/index.ts';
import { parseHttpDate } from '../semantics/index.ts';
import { parseDirectives } from './freshness.ts';
import { responseError, SourceError } from './source.ts';

export type SourceAnswer =
  | { readonly kind: 'missing' }
  /** The copy is as good as new. */
  | { readonly kind: 'same'; readonly expiresAt: number | undefined; readonly updatedMs: number | undefined }
  | {
      readonly kind: 'record';
      readonly fields: Readonly<Record<string, unknown>>;
      /** Ms since 1970; undefined: as the table says. */
      readonly expiresAt: number | undefined;
      /** When it was changed at the source, in ms since 1970. */
      readonly updatedMs: number | undefined;
      /** Not to be stored. */
      readonly passing: boolean;
    };

/** What the source may say in its context. */
export interface SourceSays {
  readonly [extra: string]: unknown;
  readonly replacingRecord?: unknown;
  readonly expiresAt?: unknown;
  readonly noCacheStore?: unknown;
  readonly lastModified?: unknown;
}

/** Rejects with SourceError. */
export async function readAnswer(value: unknown, says: SourceSays, name: string, nowMs: number): Promise<SourceAnswer> {
  const expiresAt = timeOf(says.expiresAt);
  const passing = says.noCacheStore === true;
  const updatedMs = changeTimeOf(says.lastModified);
  if (value instanceof Response) return readResponse(value, { expiresAt, updatedMs, passing }, name, nowMs);
  if (value === undefined || value === null) return { kind: 'missing' };
  if (says.replacingRecord !== undefined && value === says.replacingRecord)
    return { kind: 'same', expiresAt, updatedMs };
  if (typeof value !== 'object' || Array.isArray(value))
    throw new SourceError(
      'refused',
      new ZerohopError('APPLICATION_ERROR', `${name}: get must give an object or a Response, not ${describe(value)}.`),
    );
  return { kind: 'record', fields: { ...value }, expiresAt, updatedMs, passing };
}

/** What the source has said in its context: that counts before what the response says. */
interface Said {
  readonly expiresAt: number | undefined;
  readonly updatedMs: number | undefined;
  readonly passing: boolean;
}

/** JSON is the record; anything else becomes `{ contentType, data, headers }`, which is served as what it was. */
async function readResponse(
  response: Response,
  { expiresAt, updatedMs, passing }: Said,
  name: string,
  nowMs: number,
): Promise<SourceAnswer> {
  const { status, headers } = response;
  const said = ttlOf(headers, nowMs);
  const until = expiresAt ?? said.expiresAt;
  const changedMs = updatedMs ?? parseHttpDate(headers.get('last-modified') ?? '');
  if (status === 304) return { kind: 'same', expiresAt: until, updatedMs: changedMs };
  if (status === 404 || status === 410) return { kind: 'missing' };
  if (status === 204) return { kind: 'missing' };
  if (!response.ok) {
    const error = new ZerohopError('ORIGIN_FAILED', responseError(response, name).message, { sourceStatus: status });
    throw new SourceError(status >= 500 ? 'server' : 'refused', error);
  }
  const type = headers.get('content-type') ?? 'application/octet-stream';
  const fields = /\bjson\b/.test(type)
    ? await jsonOf(response, name)
    : {
        // The text is kept as text: what it was encoded in is over.
        contentType: type.replace(/;.*/s, '').trim().toLowerCase(),
        data: /^text\//.test(type) ? await response.text() : new Uint8Array(await response.arrayBuffer()),
        headers: keptHeaders(headers),
      };
  return { kind: 'record', fields, expiresAt: until, updatedMs: changedMs, passing: passing || said.noStore };
}

/** What describes the content, and what a source is asked with again: for If-None-Match. */
const kept = ['content-disposition', 'content-language', 'content-location', 'etag', 'last-modified', 'cache-control'];

function keptHeaders(headers: Headers): Readonly<Record<string, string>> {
  return Object.fromEntries([...headers].filter(([name]) => kept.includes(name)));
}

async function jsonOf(response: Response, name: string): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = await response.json().catch((error: unknown) => {
    throw new SourceError(
      'server',
      new ZerohopError('ORIGIN_FAILED', `${name}: the body is not JSON: ${String(error)}`),
    );
  });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new SourceError('server', new ZerohopError('ORIGIN_FAILED', `${name}: the body is no JSON object.`));
}

/** RFC 9111 §5.2.2: how long the origin lets it be used. */
function ttlOf(headers: Headers, nowMs: number): { readonly expiresAt: number | undefined; readonly noStore: boolean } {
  const text = headers.get('cache-control');
  const said = parseDirectives(text);
  const shared = /(?:^|[\s,])s-maxage="?(\d+)/i.exec(text ?? '')?.[1];
  const maxAgeMs = shared === undefined ? said.maxAgeMs : Number(shared) * 1000;
  const ageMs = Number(headers.get('age') ?? 0) * 1000 || 0;
  const isPrivate = /(?:^|[\s,])private\b/i.test(text ?? '');
  return {
    expiresAt: said.noCache ? nowMs : maxAgeMs === undefined ? undefined : nowMs + Math.max(0, maxAgeMs - ageMs),
    noStore: said.noStore || isPrivate,
  };
}

function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** In a context whose reads are counted it stands for versions of records, which are in microseconds: those say nothing of the source's. */
function changeTimeOf(value: unknown): number | undefined {
  const timeMs = timeOf(value);
  return timeMs !== undefined && timeMs > 0 && timeMs < latestMs ? timeMs : undefined;
}

/** The year 5138; in microseconds, 1973. */
const latestMs = 1e14;

function describe(value: unknown): string {
  return Array.isArray(value) ? 'a list' : `${typeof value} ${String(value).slice(0, 50)}`;
}
