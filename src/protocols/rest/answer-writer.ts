// The answer of a resource as a response, in the type the client asks for.

import { stringifyExact, ZerohopError } from '../../base/index.ts';
import { tagOf } from '../../records/index.ts';
import type { Answer, Match, RequestContext, RequestTarget, Verb } from '../../resources/index.ts';
import { isBlobReference, type StoredRecord } from '../../tables/index.ts';
import {
  blobResponse,
  type ContentTypes,
  entityTag,
  frame,
  type HttpRequest,
  isUnmodifiedSince,
  JsonText,
  lastModified,
  type Writer,
} from '../http/index.ts';
import { rawContent } from './raw-record.ts';
import { asStrange, isRead, respond } from './respond.ts';
import { columnsOf, rowDecoder } from './typed-rows.ts';
import { valueResponse } from './value-response.ts';

export interface AnswerWriterOptions {
  readonly contentTypes: ContentTypes;
  readonly compressionThreshold: number;
  /** Send Last-Modified. */
  readonly lastModified: boolean;
}

/** A call that was answered. */
export interface Answered {
  readonly request: HttpRequest;
  readonly answer: Answer;
  readonly context: RequestContext;
  readonly target: RequestTarget;
  readonly match: Match;
  readonly verb: Verb;
  /** The type a file name extension asked for. */
  readonly type?: string | undefined;
}

type AnswerOf<Kind extends Answer['kind']> = Extract<Answer, { readonly kind: Kind }>;

/** Pages with a cursor are made whole, so that the next cursor can stand in a header. */
const largestPage = 10_000;

export class AnswerWriter {
  readonly #options: AnswerWriterOptions;

  constructor(options: AnswerWriterOptions) {
    this.#options = options;
  }

  async write(answered: Answered): Promise<Response> {
    const { answer, context, verb } = answered;
    switch (answer.kind) {
      case 'rows':
        return this.#rows(answered, answer);
      case 'value':
        return valueResponse({
          ...answered,
          value: typedProperty(answered, answer.value),
          given: context.givenResponse,
          writer: () => this.#writerFor(answered),
          threshold: this.#options.compressionThreshold,
          // `return super.post(target, data)` gives the new record's id, and is answered as the table itself does.
          isData: answered.target.property !== undefined || answer.value === context.createdId,
          done: () => context.release(),
        });
      default:
        context.release();
    }
    switch (answer.kind) {
      case 'none':
        return this.#empty(answered, 204);
      case 'written':
        if (verb === 'delete' && !answer.existed && !answered.target.isCollection) throw missing(answered);
        return this.#empty(answered, 204);
      case 'missing':
        if (context.givenResponse?.status !== undefined) return this.#empty(answered, 204);
        throw missing(answered);
      case 'created':
        return this.#created(answered, answer);
      case 'record':
        return this.#record(answered, answer);
    }
  }

  #writerFor({ request, type }: Answered): Writer {
    return this.#options.contentTypes.choose(type ?? request.headers.get('accept'));
  }

  #empty({ context }: Answered, status: number): Response {
    const given = context.givenResponse;
    return new Response(null, { status: given?.status ?? status, headers: given?.headers ?? {} });
  }

  /** 201 with the address of the record, and its id as the body. */
  #created(answered: Answered, { id, location }: AnswerOf<'created'>): Promise<Response> {
    const headers = answered.context.givenResponse?.headers ?? new Headers();
    if (!headers.has('location')) headers.set('location', `/${answered.match.path}/${location}`);
    const writer = this.#writerFor(answered);
    const status = answered.context.givenResponse?.status ?? 201;
    const body = { whole: writer.serialize(id) };
    return respond(
      answered.request,
      { body, type: writer.type, status, tag: null, headers },
      this.#options.compressionThreshold,
    );
  }

  async #record(answered: Answered, { table, record }: AnswerOf<'record'>): Promise<Response> {
    const { request, context } = answered;
    const headers = context.givenResponse?.headers ?? new Headers();
    const status = context.givenResponse?.status ?? 200;
    if (isRead(request.method) && this.#options.lastModified && !headers.has('last-modified')) {
      const date = lastModified(record.version, Date.now());
      if (date !== undefined) headers.set('last-modified', date);
    }
    if (isUnchanged(request, record)) {
      headers.set('etag', entityTag(tagOf(record)));
      headers.set('vary', 'Accept, Accept-Encoding');
      return new Response(null, { status: 304, headers });
    }
    const threshold = this.#options.compressionThreshold;
    const raw = rawContent(record.body, table.definition);
    if (raw) {
      asStrange(headers);
      for (const [name, value] of raw.headers) headers.set(name, value);
      const tag = entityTag(tagOf(record));
      if (!isBlobReference(raw.data)) {
        return respond(request, { body: { whole: raw.data }, type: raw.type, status, tag, headers }, threshold);
      }
      const blob = context.node.databases.blobs(table.definition.database).open(raw.data);
      if (!blob) throw missing(answered);
      headers.set('etag', tag);
      headers.set('content-type', raw.type);
      return blobResponse(blob, request.headers, headers, tag);
    }
    const writer = this.#writerFor(answered);
    const whole = writer.suffix === '' ? record.body : writer.serialize(table.decode(record));
    const tag = entityTag(tagOf(record), writer.suffix);
    return respond(request, { body: { whole }, type: writer.type, status, tag, headers }, threshold);
  }

  async #rows(answered: Answered, answer: AnswerOf<'rows'>): Promise<Response> {
    const { request, context } = answered;
    const { table, query, result } = answer;
    const writer = this.#writerFor(answered);
    const headers = context.givenResponse?.headers ?? new Headers();
    const status = context.givenResponse?.status ?? 200;
    const threshold = this.#options.compressionThreshold;
    const isJson = writer.suffix === '' || writer.suffix.endsWith('ndjson');
    const asValue = isJson ? ({ json }: { json: string }) => new JsonText(json) : rowDecoder(table, query.select);
    if (answer.single) {
      const [row] = result.rows;
      context.release();
      if (row === undefined) throw missing(answered);
      const whole = isJson
        ? `${row.json}${writer.suffix === '' ? '' : '\n'}`
        : writer.serialize(rowDecoder(table, query.select)(row));
      return respond(request, { body: { whole }, type: writer.type, status, tag: undefined, headers }, threshold);
    }
    if (result.total !== undefined) headers.set('x-total-count', String(result.total));
    const rows = mapped(result.rows, asValue);
    const done = () => context.release();
    const framing = writer.framing?.(columnsOf(table, query.select));
    if (query.cursor !== undefined) {
      if ((query.limit ?? Number.POSITIVE_INFINITY) > largestPage) {
        throw new ZerohopError('INVALID_QUERY', `cursor() needs a limit of at most ${largestPage}: add limit(100).`);
      }
      const page = [...rows];
      const next = result.nextCursor();
      if (next !== null) headers.set('x-next-cursor', next);
      const body = framing ? await frame(page, framing, done) : { whole: writer.serialize(page) };
      return respond(request, { body, type: writer.type, status, tag: undefined, headers }, threshold);
    }
    const body = framing ? await frame(rows, framing, done) : { whole: writer.serialize([...rows]) };
    if (!framing) done();
    return respond(request, { body, type: writer.type, status, tag: undefined, headers }, threshold);
  }
}

function* mapped<Row, Value>(rows: Iterable<Row>, map: (row: Row) => Value): Generator<Value> {
  for (const row of rows) yield map(row);
}

/**
 * By date; If-None-Match goes before it (RFC 9110 §13.2.2). The date of a record that patches touched says too little: an earlier one may have
 * come in from another node since.
 */
function isUnchanged({ method, headers }: HttpRequest, { version, tag }: StoredRecord): boolean {
  if (tag !== undefined || !isRead(method) || headers.has('if-none-match')) return false;
  const since = headers.get('if-modified-since');
  return since !== null && isUnmodifiedSince(since, version);
}

/** The value of one attribute, as its type says: bytes are sent as they are. */
function typedProperty({ match, target }: Answered, value: unknown): unknown {
  const { property } = target;
  if (match.table === undefined || property === undefined || value instanceof Blob) return value;
  const body = stringifyExact({ [property]: value });
  return match.table.decode({ id: '', version: 0, expires: null, body })[property];
}

function missing({ match, target, request }: Answered): ZerohopError {
  if (match.table === undefined) return new ZerohopError('NOT_FOUND', `${request.pathname} has nothing to show.`);
  const { name } = match.table.definition;
  const what =
    target.property === undefined ? `record ${JSON.stringify(target.id)}` : `${target.property} at ${target.id}`;
  return new ZerohopError('NOT_FOUND', `${name} has no ${what}.`);
}
