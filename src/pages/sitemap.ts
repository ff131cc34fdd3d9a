// A sitemap (https://www.sitemaps.org/protocol.html), an index of sitemaps, or a plain list of addresses, read as it comes, gzipped or not. What
// is kept of it are the addresses; the text never is in memory whole.

import { ZerohopError } from '../base/index.ts';

export interface SitemapEntry {
  readonly address: string;
  /** 0 to 1; 0.5 where nothing says. */
  readonly priority: number;
}

export interface SitemapFile {
  /** `index`: its entries are sitemaps. */
  readonly kind: 'pages' | 'index';
  /** Of pages: the most important first, otherwise in their order. */
  readonly entries: readonly SitemapEntry[];
  /** Entries beyond the limit, and what was no address. */
  readonly ignored: number;
}

/** Addresses that are read of one file; the protocol allows 50,000. */
export const maxEntries = 250_000;
/** Bytes of one file, unpacked; the protocol allows 50 MB. */
const maxBytes = 256 * 1024 * 1024;
/** Longest address; the protocol allows 2,048. */
const maxAddress = 8 * 1024;
/** Text without any element of ours that is kept to look for one, in UTF-16 units. */
const maxElement = 64 * 1024;

/** Throws INVALID_BODY when it is neither. */
export async function readSitemap(bytes: ReadableStream<Uint8Array>, name: string): Promise<SitemapFile> {
  let plain: ByteReader | undefined;
  try {
    plain = (await unpacked(await unpacked(bytes))).getReader();
    return await readPlain(plain, name);
  } catch (error) {
    void plain?.cancel().catch(() => {});
    if (error instanceof ZerohopError) throw error;
    throw invalid(name, `can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readPlain(plain: ByteReader, name: string): Promise<SitemapFile> {
  const decoder = new TextDecoder();
  let reader: SitemapReader | undefined;
  let size = 0;
  for (;;) {
    const { done, value } = await plain.read();
    size += value?.byteLength ?? 0;
    if (size > maxBytes) throw invalid(name, `is larger than ${maxBytes} bytes`);
    const text = decoder.decode(value, { stream: !done });
    const begun = reader === undefined ? text.trimStart() : text;
    if (begun !== '') {
      reader ??= begun.startsWith('<') ? new XmlReader(name) : new ListReader();
      reader.push(begun);
    }
    if (done) return reader?.end() ?? { kind: 'pages', entries: [], ignored: 0 };
  }
}

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

interface SitemapReader {
  push(text: string): void;
  end(): SitemapFile;
}

/** Gzip is told by its first bytes: a .gz file may be sent as it is, or unpacked and packed again on its way. */
async function unpacked(bytes: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const reader = bytes.getReader();
  let head: Uint8Array = new Uint8Array(0);
  let ended = false;
  while (head.length < 2 && !ended) {
    const { done, value } = await reader.read();
    ended = done;
    if (value) head = head.length === 0 ? value : new Uint8Array(Buffer.concat([head, value]));
  }
  const whole = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (head.length > 0) controller.enqueue(head);
        if (ended) controller.close();
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  if (head[0] !== 0x1f || head[1] !== 0x8b) return whole;
  return whole.pipeThrough(new DecompressionStream('gzip') as unknown as ReadableWritablePair<Uint8Array, Uint8Array>);
}

class XmlReader implements SitemapReader {
  readonly #name: string;
  readonly #entries: SitemapEntry[] = [];
  #ignored = 0;
  #text = '';
  #kind: SitemapFile['kind'] | undefined;
  /** Namespace prefix of its root: elements of extensions have others, such as `image:loc`. */
  #prefix = '';
  #address: string | undefined;
  #priority: number | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  push(text: string): void {
    this.#text += text;
    let consumed = 0;
    part.lastIndex = 0;
    for (let found = part.exec(this.#text); found; found = part.exec(this.#text)) {
      const [, root, element, content, end, cut] = found;
      // The rest of it is still to come.
      if (cut !== undefined) break;
      consumed = part.lastIndex;
      if (root !== undefined) this.#root(root);
      else if (element !== undefined) this.#element(element, content ?? '');
      else if (end !== undefined && this.#isOurs(end, ['url', 'sitemap'])) this.#add();
    }
    this.#text = this.#text.slice(consumed);
    if (this.#text.length > maxElement) {
      if (this.#kind === undefined) throw invalid(this.#name, 'is no sitemap: it has neither urlset nor sitemapindex');
      // Long extensions of one entry: only what may be the beginning of an element of ours is kept.
      this.#text = this.#text.slice(-maxAddress);
    }
  }

  #root(root: string): void {
    const colon = root.indexOf(':');
    this.#prefix = root.slice(0, colon + 1);
    this.#kind ??= root.slice(colon + 1) === 'sitemapindex' ? 'index' : 'pages';
  }

  #element(element: string, content: string): void {
    if (this.#isOurs(element, ['loc'])) this.#address = textOf(content);
    else if (this.#isOurs(element, ['priority'])) this.#priority = Number(content);
  }

  #isOurs(element: string, names: readonly string[]): boolean {
    return names.some((name) => element === this.#prefix + name);
  }

  /** At the end of an entry. */
  #add(): void {
    const [address, priority] = [this.#address, this.#priority];
    this.#address = undefined;
    this.#priority = undefined;
    if (address === undefined) return;
    if (address === '' || address.length > maxAddress || this.#entries.length >= maxEntries) this.#ignored++;
    else
      this.#entries.push({
        address,
        priority: priority !== undefined && priority >= 0 && priority <= 1 ? priority : 0.5,
      });
  }

  end(): SitemapFile {
    const kind = this.#kind;
    if (kind === undefined) throw invalid(this.#name, 'is no sitemap: it has neither urlset nor sitemapindex');
    const entries = kind === 'index' ? this.#entries : this.#entries.toSorted((a, b) => b.priority - a.priority);
    return { kind, entries, ignored: this.#ignored };
  }
}

/** What is passed over, the beginning of the root, a whole `loc` or `priority`, the end of an entry; or one of these that is cut off. */
const part = new RegExp(
  [
    String.raw`<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>`,
    String.raw`<((?:[\w.-]+:)?(?:urlset|sitemapindex))\b[^>]*>`,
    String.raw`<((?:[\w.-]+:)?(?:loc|priority))\s*>((?:<!\[CDATA\[[\s\S]*?\]\]>|[^<])*)<\/\2\s*>`,
    String.raw`<\/((?:[\w.-]+:)?(?:url|sitemap))\s*>`,
    String.raw`(<!--[\s\S]*$|<!\[CDATA\[[\s\S]*$|<(?:[\w.-]+:)?(?:loc|priority)\s*>(?:<!\[CDATA\[[\s\S]*?\]\]>|[^<])*(?:<[^>]*)?$)`,
  ].join('|'),
  'g',
);

/** A list: one address per line; lines that begin with # are comments. */
class ListReader implements SitemapReader {
  readonly #entries: SitemapEntry[] = [];
  #ignored = 0;
  #text = '';

  push(text: string): void {
    const lines = (this.#text + text).split(/\r?\n|\r/);
    this.#text = (lines.pop() ?? '').slice(0, maxAddress + 1);
    for (const line of lines) this.#add(line.trim());
  }

  #add(address: string): void {
    if (address === '' || address.startsWith('#')) return;
    const isAddress = address.startsWith('/') || /^https?:\/\//i.test(address);
    if (!isAddress || address.length > maxAddress || this.#entries.length >= maxEntries) this.#ignored++;
    else this.#entries.push({ address, priority: 0.5 });
  }

  end(): SitemapFile {
    this.#add(this.#text.trim());
    return { kind: 'pages', entries: this.#entries, ignored: this.#ignored };
  }
}

function textOf(content: string): string {
  return content
    .split(/<!\[CDATA\[([\s\S]*?)\]\]>/)
    .map((piece, index) =>
      index % 2 === 1 ? piece : piece.replace(/&(#\d+|#x[\da-f]+|amp|lt|gt|quot|apos);/gi, entity),
    )
    .join('')
    .trim();
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function entity(all: string, name: string): string {
  if (!name.startsWith('#')) return entities[name.toLowerCase()] ?? all;
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : all;
}

function invalid(name: string, what: string): ZerohopError {
  return new ZerohopError('INVALID_BODY', `${name} ${what}.`);
}
