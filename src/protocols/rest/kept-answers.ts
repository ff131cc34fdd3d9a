// Answers of classes that are `cacheable`, kept ready to send until something they were made from changes.

import { limits } from '../../base/index.ts';
import { type Access, accessTo } from '../../security/index.ts';
import { isKnown } from '../../semantics/index.ts';
import type { Databases, DerivedValues, ReadSet } from '../../tables/index.ts';
import type { HttpRequest } from '../http/index.ts';

interface KeptAnswer {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
  readonly etag: string | undefined;
}

/** Answers of streams have no end one could wait for. */
const streamed = 'text/event-stream';

export class KeptAnswers {
  readonly #answers: DerivedValues<KeptAnswer>;
  readonly #access: Access;

  constructor(databases: Databases) {
    this.#access = accessTo(databases);
    this.#answers = databases.derivedValues(limits.cachedAnswerBytes);
  }

  /** What answers to a GET may differ by, besides what they read: the URL, how the client wants it, who asks, and what they may see now. */
  keyOf(request: HttpRequest): string {
    const { headers, url, user } = request;
    const asking = user === null ? '' : `${user.role.id}\n${user.username}`;
    const { epoch } = this.#access;
    return `${url}\n${headers.get('accept') ?? ''}\n${headers.get('accept-encoding') ?? ''}\n${epoch}\n${asking}`;
  }

  answer(key: string, request: HttpRequest): Response | undefined {
    const kept = this.#answers.get(key);
    if (kept === undefined) return undefined;
    const { body, headers, etag } = kept;
    const ifNoneMatch = etag === undefined ? null : request.headers.get('if-none-match');
    if (etag === undefined || ifNoneMatch === null || !isKnown(ifNoneMatch, etag))
      return new Response(body, { headers });
    const { 'content-type': _type, 'content-encoding': _encoding, ...described } = headers;
    return new Response(null, { status: 304, headers: described });
  }

  /** Keeps the response to a GET, where it may be kept, and gives it to be sent. */
  async keep(key: string, response: Response, reads: ReadSet): Promise<Response> {
    if (!reads.isComplete || response.status !== 200 || response.headers.has('set-cookie')) return response;
    if (response.headers.get('content-type')?.startsWith(streamed)) return response;
    const headers = response.headers.toJSON() as Record<string, string>;
    const body = new Uint8Array(await response.arrayBuffer());
    this.#answers.set(key, { body, headers, etag: headers.etag }, body.length + 4 * key.length + 1_000, reads);
    return new Response(body, { headers });
  }
}
