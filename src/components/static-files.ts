// `static`: files of the app's folder, sent as they are: conditional, in ranges, compressed once and kept. Nothing outside of what `files` names
// is ever sent, and nothing hidden (a name that begins with a dot, but for .well-known).

import { existsSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { Glob } from 'bun';
import { ZerohopError } from '../base/index.ts';
import {
  blobResponse,
  chooseEncoding,
  compress,
  type Encoding,
  type HttpRequest,
  type HttpStep,
  isCompressible,
  isKnown,
  isUnmodifiedSince,
  type Next,
  tagWithCoding,
} from '../protocols/http/index.ts';
import { booleanOption, isOptions, type Options, textOption } from './app-config.ts';
import { baseOf, filePatterns } from './app-files.ts';

/** Files up to this size are compressed; larger ones are sent as they are. */
const compressBytes = 4 * 1024 * 1024;
/** Compressed files that are kept, together. */
const keptBytes = 32 * 1024 * 1024;
/** How long a listing of the folders is believed: a new file is seen after this. */
const listingMs = 1000;
/** Below this compression gains nothing. */
const thresholdBytes = 1024;

interface StaticOptions {
  /** The folders files are looked up in, with what they must match (relative to the app's folder). */
  readonly bases: readonly { readonly base: string; readonly glob: Glob }[];
  readonly ignore: readonly Glob[];
  readonly urlPath: string;
  readonly index: boolean;
  readonly extensions: readonly string[];
  readonly notFound: { readonly file: string; readonly status: number } | undefined;
  readonly fallthrough: boolean;
}

interface FoundFile {
  readonly path: string;
  readonly stats: Stats;
}

export function staticStep(options: Options, folder: string): HttpStep {
  const checked = readOptions(options, folder);
  const files = new StaticFiles(folder, checked);
  const place = placeOf(options);
  return {
    name: 'static',
    ...place,
    atOnce(_raw, url) {
      const path = pathBelow(url, checked.urlPath);
      return path === undefined || files.isElsewhere(path) ? 'pass' : undefined;
    },
    handle(request, next) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return next(request);
      const path = pathBelow(request.pathname, checked.urlPath);
      if (path === undefined) return next(request);
      return files.respond(request, path) ?? files.unlessNobodys(request, next);
    },
  };
}

function placeOf(options: Options): Pick<HttpStep, 'before' | 'after'> {
  const { before } = options;
  const after = textOption(options, 'after', 'static');
  if (after !== undefined) return { after };
  if (before === undefined) return { before: 'authentication' };
  if (before === false) return { before: false };
  return { before: textOption(options, 'before', 'static') };
}

function readOptions(options: Options, folder: string): StaticOptions {
  const patterns = filePatterns(options, 'static', folder);
  const { extensions = [] } = options;
  if (!Array.isArray(extensions) || extensions.some((extension) => typeof extension !== 'string')) {
    throw new ZerohopError('INVALID_CONFIG', "config.yaml: static.extensions is a list such as ['html'].");
  }
  return {
    bases: patterns.source.map((pattern) => ({ base: rootOf(pattern, options), glob: new Glob(pattern) })),
    ignore: patterns.ignore.map((pattern) => new Glob(pattern)),
    urlPath:
      `/${(textOption(options, 'urlPath', 'static') ?? textOption(options, 'path', 'static') ?? '').replace(/^\.?\/*|\/+$/g, '')}`.replace(
        /\/$/,
        '',
      ),
    index: booleanOption(options, 'index', true, 'static'),
    extensions: extensions.map((extension: string) => extension.replace(/^\.?/, '.')),
    notFound: notFoundOf(options.notFound),
    fallthrough: booleanOption(options, 'fallthrough', true, 'static'),
  };
}

function notFoundOf(value: unknown): StaticOptions['notFound'] {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return { file: value, status: 404 };
  if (isOptions(value) && typeof value.file === 'string') {
    const { statusCode = 404 } = value;
    if (typeof statusCode === 'number' && statusCode >= 200 && statusCode <= 599)
      return { file: value.file, status: statusCode };
  }
  throw new ZerohopError('INVALID_CONFIG', 'config.yaml: static.notFound is a file, or { file, statusCode }.');
}

/** The folder that is not part of the URL: `root`, as older apps say, or what comes before the first wildcard. */
function rootOf(pattern: string, options: Options): string {
  const root = textOption(options, 'root', 'static')?.replace(/^\.?\/*|\/+$/g, '');
  if (root === undefined || root === '' || pattern.startsWith(`${root}/`)) return root ?? baseOf(pattern);
  throw new ZerohopError(
    'INVALID_CONFIG',
    `config.yaml: static.root is ${root}, but its files ${pattern} are elsewhere.`,
  );
}

function pathBelow(pathname: string, urlPath: string): string | undefined {
  if (urlPath === '') return pathname;
  if (pathname === urlPath) return '/';
  return pathname.startsWith(`${urlPath}/`) ? pathname.slice(urlPath.length) : undefined;
}

class StaticFiles {
  readonly #folder: string;
  readonly #root: string;
  readonly #options: StaticOptions;
  /** Path, time and coding → compressed bytes, least recently used first. */
  readonly #kept = new Map<string, Uint8Array<ArrayBuffer>>();
  #keptBytes = 0;
  #topNames: ReadonlySet<string> = new Set();
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(folder: string, options: StaticOptions) {
    this.#folder = folder;
    this.#root = realpathSync(folder);
    this.#options = options;
  }

  /** Undefined: the request is for others. */
  respond(request: HttpRequest, path: string): Response | Promise<Response> | undefined {
    const { fallthrough } = this.#options;
    if (this.isElsewhere(path)) return undefined;
    const names = safeSegments(path);
    const found = names && this.#mayExist(names[0]) ? this.#find(names, path.endsWith('/')) : undefined;
    if (found === 'folder') return redirectTo(`${request.pathname}/${request.search}`);
    if (found) return this.#send(request, found, 200);
    if (fallthrough) return undefined;
    const page = this.#notFoundPage(request);
    if (page) return page;
    throw new ZerohopError('NOT_FOUND', `There is no file ${path}.`);
  }

  /** Hands on; what then turns out to be served by nobody gets the page for that, if there is one. A record that is missing is somebody's. */
  unlessNobodys(request: HttpRequest, next: Next): Response | Promise<Response> {
    if (!this.#options.notFound) return next(request);
    const instead = (error: unknown): Response | Promise<Response> => {
      const isNobodys = error instanceof ZerohopError && error.code === 'NOT_FOUND' && request.route === undefined;
      const page = isNobodys ? this.#notFoundPage(request) : undefined;
      if (page) return page;
      throw error;
    };
    try {
      const answered = next(request);
      return answered instanceof Promise ? answered.catch(instead) : answered;
    } catch (error) {
      return instead(error);
    }
  }

  #notFoundPage(request: HttpRequest): Promise<Response> | undefined {
    const { notFound } = this.#options;
    const page = notFound && this.#fileAt(safeSegments(notFound.file) ?? []);
    return page && this.#send(request, page, notFound.status);
  }

  /** Whether the first name of a path alone tells that it is for others: the cheapest of looks, as most requests are for no file. */
  isElsewhere(path: string): boolean {
    if (!this.#options.fallthrough) return false;
    const end = path.indexOf('/', 1);
    const first = end < 0 ? path.slice(1) : path.slice(1, end);
    return first !== '' && !first.includes('%') && !this.#mayExist(first);
  }

  /** Whether there is anything by the first name of a path: most requests are not for files, and should cost nothing. */
  #mayExist(first: string | undefined): boolean {
    const { index, extensions, bases } = this.#options;
    if (first === undefined) return index;
    const now = performance.now();
    if (now - this.#listedAt > listingMs) {
      this.#topNames = new Set(bases.flatMap(({ base }) => namesIn(join(this.#folder, base))));
      this.#listedAt = now;
    }
    return this.#topNames.has(first) || extensions.some((extension) => this.#topNames.has(first + extension));
  }

  #find(names: readonly string[], isFolder: boolean): FoundFile | 'folder' | undefined {
    const { index, extensions } = this.#options;
    const exact = isFolder ? undefined : this.#fileAt(names);
    if (exact) return exact;
    if (index) {
      const page = this.#fileAt([...names, 'index.html']);
      if (page) return isFolder ? page : 'folder';
    }
    const last = names.at(-1);
    if (isFolder || last === undefined) return undefined;
    for (const extension of extensions) {
      const file = this.#fileAt([...names.slice(0, -1), last + extension]);
      if (file) return file;
    }
    return undefined;
  }

  #fileAt(names: readonly string[]): FoundFile | undefined {
    for (const { base, glob } of this.#options.bases) {
      const relative = [...(base === '' ? [] : [base]), ...names].join('/');
      if (!glob.match(relative) || this.#options.ignore.some((ignored) => ignored.match(relative))) continue;
      const path = join(this.#folder, relative);
      const stats = statsOf(path);
      if (stats?.isFile() && this.#isInside(path)) return { path, stats };
    }
    return undefined;
  }

  /** A symbolic link may not lead out of the app's folder. */
  #isInside(path: string): boolean {
    return realpathSync(path).startsWith(this.#root + sep);
  }

  async #send(request: HttpRequest, { path, stats }: FoundFile, status: number): Promise<Response> {
    const file = Bun.file(path);
    const tag = `"${Math.floor(stats.mtimeMs).toString(36)}-${stats.size.toString(36)}"`;
    const headers = new Headers({
      'content-type': file.type || 'application/octet-stream',
      'cache-control': isHashed(path) ? 'public, max-age=31536000, immutable' : 'public, max-age=0, must-revalidate',
      'last-modified': stats.mtime.toUTCString(),
      'x-content-type-options': 'nosniff',
    });
    const encoding = encodingFor(request, headers, stats);
    if (isCompressible(headers.get('content-type') ?? '')) headers.set('vary', 'Accept-Encoding');
    const sent = encoding === undefined ? tag : tagWithCoding(tag, encoding);
    headers.set('etag', sent);
    if (status === 200 && isUnchanged(request.headers, sent, stats.mtimeMs))
      return new Response(null, { status: 304, headers });
    if (encoding === undefined && status === 200)
      return withoutBody(request, blobResponse(file, request.headers, headers, tag));
    if (encoding === undefined) return withoutBody(request, new Response(file, { status, headers }));
    headers.set('content-encoding', encoding);
    const body = await this.#compressed(path, sent, encoding);
    return withoutBody(request, new Response(body, { status, headers }));
  }

  async #compressed(path: string, tag: string, encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
    const key = `${path}\0${tag}`;
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const made = new Uint8Array(await compress(await Bun.file(path).bytes(), encoding));
    this.#kept.set(key, made);
    this.#keptBytes += made.length;
    for (const [oldest, bytes] of this.#kept) {
      if (this.#keptBytes <= keptBytes) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= bytes.length;
    }
    return made;
  }
}

/** Undefined where nothing can be: `/a.css/b` below a file, a name that is too long, a folder that may not be read. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The path's names, decoded; undefined for what no file is ever served for. */
function safeSegments(path: string): string[] | undefined {
  const names: string[] = [];
  for (const part of path.split('/')) {
    if (part === '') continue;
    const name = decoded(part);
    const isHidden = name?.startsWith('.') && name !== '.well-known';
    if (name === undefined || isHidden || /[/\\\0]/.test(name)) return undefined;
    names.push(name);
  }
  return names;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Names that build tools give: the content's hash is in them, so the content of a name never changes. */
function isHashed(path: string): boolean {
  const name = path.slice(path.lastIndexOf(sep) + 1);
  const part = /[.-]([\w-]{8,})$/.exec(name.slice(0, -extname(name).length || undefined))?.[1];
  return part !== undefined && /\d/.test(part) && /[a-zA-Z]/.test(part);
}

function encodingFor(request: HttpRequest, headers: Headers, stats: Stats): Encoding | undefined {
  if (stats.size < thresholdBytes || stats.size > compressBytes || request.headers.has('range')) return undefined;
  if (!isCompressible(headers.get('content-type') ?? '')) return undefined;
  return chooseEncoding(request.headers.get('accept-encoding'));
}

/** RFC 9110 §13.2.2: If-None-Match counts, and only without it If-Modified-Since. */
function isUnchanged(headers: Headers, tag: string, modifiedMs: number): boolean {
  const tags = headers.get('if-none-match');
  if (tags !== null) return isKnown(tags, tag);
  const since = headers.get('if-modified-since');
  return since !== null && isUnmodifiedSince(since, modifiedMs * 1000);
}

function withoutBody(request: HttpRequest, response: Response): Response {
  return request.method === 'HEAD'
    ? new Response(null, { status: response.status, headers: response.headers })
    : response;
}

/** To the folder's own address, so that relative links in its page lead right. */
function redirectTo(location: string): Response {
  return new Response(null, { status: 308, headers: { location } });
}
