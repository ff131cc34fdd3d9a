// Bytes from a server → its answers, by HTTP/1.1 as far as servers of JSON use it: a status line, headers, and a body of a length that is said
// (RFC 9112 §6.2) or in chunks (§7.1).

const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');
const mostHeadBytes = 64 * 1024;
const empty = Buffer.alloc(0);

type State = 'head' | 'body' | 'chunk size' | 'chunk' | 'trailer';

/** Throws on what it does not understand; the connection is of no more use then. */
export class AnswerReader {
  readonly #answered: (status: number) => void;
  #state: State = 'head';
  /** Bytes of a head or a line that is not complete. */
  #rest: Buffer = empty;
  #status = 0;
  /** Bytes of body or chunk that are still to come, with the end of line behind a chunk. */
  #missing = 0;

  /** @param answered called at the end of each answer */
  constructor(answered: (status: number) => void) {
    this.#answered = answered;
  }

  read(bytes: Uint8Array): void {
    let data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (data.length > 0) {
      if (this.#state === 'body' || this.#state === 'chunk') data = this.#skip(data);
      else data = this.#line(data);
    }
  }

  #skip(data: Buffer): Buffer {
    const taken = Math.min(this.#missing, data.length);
    this.#missing -= taken;
    if (this.#missing === 0) {
      if (this.#state === 'body') this.#end();
      else this.#state = 'chunk size';
    }
    return data.subarray(taken);
  }

  /** Takes a head, or a line of the chunked coding, when it is complete. */
  #line(data: Buffer): Buffer {
    const all = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const mark = this.#state === 'head' ? headEnd : lineEnd;
    const at = all.indexOf(mark);
    if (at === -1) {
      if (all.length > mostHeadBytes) throw new Error('The head of an answer is too long.');
      this.#rest = Buffer.from(all);
      return empty;
    }
    this.#rest = empty;
    const text = all.toString('latin1', 0, at);
    if (this.#state === 'head') this.#head(text);
    else if (this.#state === 'chunk size') this.#chunkSize(text);
    else if (text === '') this.#end();
    return all.subarray(at + mark.length);
  }

  #head(text: string): void {
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
    if (status === undefined) throw new Error(`This is no answer: ${text.slice(0, 100)}`);
    this.#status = Number(status);
    if (/^transfer-encoding:[ \t]*chunked/im.test(text)) {
      this.#state = 'chunk size';
      return;
    }
    const length = /^content-length:[ \t]*(\d+)/im.exec(text)?.[1];
    if (length === undefined) throw new Error(`An answer does not say how long it is: ${text.slice(0, 200)}`);
    this.#missing = Number(length);
    this.#state = 'body';
    if (this.#missing === 0) this.#end();
  }

  #chunkSize(text: string): void {
    const size = /^[0-9a-f]+/i.exec(text)?.[0];
    if (size === undefined) throw new Error(`This is no size of a chunk: ${text.slice(0, 100)}`);
    const bytes = Number.parseInt(size, 16);
    this.#missing = bytes + lineEnd.length;
    this.#state = bytes === 0 ? 'trailer' : 'chunk';
  }

  #end(): void {
    this.#state = 'head';
    this.#answered(this.#status);
  }
}
