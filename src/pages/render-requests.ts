// What a page that is being rendered asks for. The browser has no network of its own: each request comes here, and goes to the site's origin, through
// its shield and without anything of a visitor; to a host the site allows; or nowhere. So no page can reach what else this machine can reach.

import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { codingOf, recode } from './bodies.ts';
import type { PageGets, RenderAssets } from './render-assets.ts';
import { type RenderJob, RenderTrouble } from './render-job.ts';
import type { Shield } from './shield.ts';

export interface PageAsks {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

const redirectsMost = 5;

/** Of one page. */
export class RenderRequests {
  readonly #job: RenderJob;
  readonly #shield: Shield;
  readonly #assets: RenderAssets;
  readonly #signal: AbortSignal;
  readonly #base: URL;
  readonly #origin: URL;

  constructor(job: RenderJob, shield: Shield, assets: RenderAssets, signal: AbortSignal) {
    this.#job = job;
    this.#assets = assets;
    this.#shield = shield;
    this.#signal = signal;
    this.#base = new URL(job.url);
    this.#origin = new URL(job.site.origin);
  }

  /** Whether an address is one of the site. */
  isOfSite(address: string): boolean {
    const host = URL.parse(address)?.host;
    return host === this.#base.host || host === this.#origin.host;
  }

  /** A script or a style sheet: as `answer`, from what is kept of them where it may be. */
  async asset(asks: PageAsks): Promise<PageGets | undefined> {
    if (asks.method !== 'GET') return this.answer(asks);
    // What a kind of visitor gets may be another's.
    const key = JSON.stringify([this.#job.site.id, this.#job.forward, this.#job.cookies, asks.url]);
    const kept = this.#assets.get(key, Date.now());
    if (kept) return kept;
    const gets = await this.answer(asks);
    if (gets) this.#assets.put(key, gets, Date.now());
    return gets;
  }

  /** Undefined: the page may not ask for it. Rejects with RenderTrouble when who is asked does not answer. */
  async answer(asks: PageAsks): Promise<PageGets | undefined> {
    for (let redirects = 0, at = asks; redirects <= redirectsMost; redirects++) {
      const response = await this.#ask(at);
      const location = response?.headers.get('location') ?? null;
      if (!response || response.status < 300 || response.status >= 400 || location === null)
        return response && (await this.#read(response, at.url));
      await response.body?.cancel();
      const url = URL.parse(location, at.url)?.href;
      if (url === undefined) return undefined;
      // RFC 9110 §15.4: all but 307 and 308 are followed by GET, as browsers do.
      const isSame = response.status === 307 || response.status === 308;
      const own = URL.parse(url)?.host === URL.parse(at.url)?.host;
      const headers = own ? at.headers : withoutCredentials(at.headers);
      at = isSame
        ? { ...at, url, headers }
        : { url, method: at.method === 'HEAD' ? 'HEAD' : 'GET', headers, body: undefined };
    }
    return undefined;
  }

  #ask(asks: PageAsks): Promise<Response | undefined> {
    const url = URL.parse(asks.url);
    if (!url || !/^https?:$/.test(url.protocol)) return Promise.resolve(undefined);
    if (this.isOfSite(asks.url)) return this.#askOrigin(asks, url);
    return this.#job.how.allow.includes(url.host) ? this.#askElsewhere(asks, url) : Promise.resolve(undefined);
  }

  async #askOrigin({ method, headers: asked, body }: PageAsks, url: URL): Promise<Response> {
    const { site, number, mode, forward, cookies } = this.#job;
    const headers = ownHeaders(asked);
    for (const [name, value] of forward) if (name !== 'accept' || !headers.has(name)) headers.set(name, value);
    if (cookies.length > 0) headers.set('cookie', cookies.map((pair) => pair.join('=')).join('; '));
    const prefix = this.#origin.pathname.replace(/\/$/, '');
    const isOrigins = url.host === this.#origin.host && url.host !== this.#base.host;
    const path = isOrigins && url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length) : url.pathname;
    const request = {
      method,
      target: path + url.search,
      headers,
      signal: this.#signal,
      ...(body && { body: new Response(body).body }),
    };
    const answer = await this.#shield.ask(site, number, mode, request);
    if (answer.ok) return answer.response;
    throw new RenderTrouble('incomplete', `${path} could not be fetched: ${answer.failure.replaceAll('_', ' ')}`);
  }

  async #askElsewhere({ method, headers: asked, body }: PageAsks, url: URL): Promise<Response | undefined> {
    if (!(await isReachable(url.hostname))) return undefined;
    try {
      return await fetch(url, {
        method,
        headers: ownHeaders(asked),
        ...(body && { body }),
        redirect: 'manual',
        decompress: false,
        signal: this.#signal,
      });
    } catch (error) {
      throw new RenderTrouble('incomplete', `${url.host} could not be asked: ${String(error)}`);
    }
  }

  async #read(response: Response, address: string): Promise<PageGets> {
    const { maxBodyBytes } = this.#job.site;
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of response.body ?? []) {
        size += chunk.byteLength;
        if (size > maxBodyBytes)
          throw new RenderTrouble('incomplete', `${address} is larger than ${maxBodyBytes} bytes`);
        chunks.push(chunk);
      }
      const bytes = new Uint8Array(Buffer.concat(chunks));
      const coding = codingOf(response.headers.get('content-encoding'));
      if (coding === 'other') throw new RenderTrouble('incomplete', `${address} is in a coding that is not known`);
      const headers = Object.fromEntries([...response.headers].filter(([name]) => !notPassedOn.has(name)));
      return { status: response.status, headers, body: await recode(bytes, coding, 'identity') };
    } catch (error) {
      if (error instanceof RenderTrouble) throw error;
      throw new RenderTrouble('incomplete', `${address} broke off: ${String(error)}`);
    }
  }
}

/** They belong to the connection, or to the bytes as they came; and no cookie is kept. */
const notPassedOn: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'set-cookie',
  'transfer-encoding',
]);

/** What the page's scripts say, without what belongs to the browser. */
function ownHeaders(asked: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(asked))
    if (!/^(:|sec-|proxy-|cookie$|host$|connection$|content-length$|upgrade-insecure-requests$)/i.test(name))
      headers.set(name, value);
  headers.set('accept-encoding', 'zstd, br, gzip');
  return headers;
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

/** Whoever allows an address means it; a name must not lead into a private network. */
async function isReachable(hostname: string): Promise<boolean> {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return true;
  const found = await lookup(hostname, { all: true }).catch(() => []);
  return found.length > 0 && found.every(({ address }) => !isPrivate(address));
}

/** Addresses that are not of the public internet (RFC 6890, and what IPv6 maps to them). */
export function isPrivate(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  switch (isIP(plain)) {
    case 4:
      return listOf(privateIpv4, 'ipv4').check(plain, 'ipv4');
    case 6:
      return listOf(privateIpv6, 'ipv6').check(plain, 'ipv6');
    default:
      return true;
  }
}

/** One for each kind: a list of both takes IPv4 addresses for those that IPv6 maps to them. */
function listOf(networks: readonly (readonly [string, number])[], kind: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, kind);
  return list;
}

const privateIpv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const;
const privateIpv6 = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const;
