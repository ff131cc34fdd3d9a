// A site behind two caches: this one and nginx, both on the server's core, both holding the same pages.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { cores, type Lab, type Server } from '../lab.ts';
import { startNginx } from '../rivals/nginx.ts';
import { pageText } from './page-text.ts';

export interface Caches {
  readonly zerohop: Server;
  readonly nginx: Server;
  readonly origin: Server;
  stop(): Promise<void>;
}

export async function startCaches(
  lab: Lab,
  {
    bytes,
    coding,
    directives,
  }: { readonly bytes: number; readonly coding: 'plain' | 'gzip'; readonly directives: readonly string[] },
): Promise<Caches> {
  const origin = await lab.startRival('../pages/origin.ts', [String(bytes), coding], cores.load);
  const originPort = Number(new URL(origin.url).port);
  const zerohop = await startPages(lab, { origin: origin.url, rules: [{ match: '/**' }] }, lab.newPath('data'));
  const nginx = await startNginx(lab, { originPort, cores: cores.server, directives, inMemory: true });
  const all = [zerohop, nginx, origin];
  return { zerohop, nginx, origin, stop: async () => void (await Promise.all(all.map((server) => server.stop()))) };
}

/** A node with one serve thread that is a page cache and nothing else. */
export function startPages(lab: Lab, pages: unknown, data: string): Promise<Server> {
  const app = lab.newPath('app');
  mkdirSync(app);
  // JSON is YAML.
  writeFileSync(join(app, 'config.yaml'), JSON.stringify({ pages }));
  return lab.startZerohop({ app, data, cores: cores.server, threads: 1 });
}

/** Requests at the same time while pages are fetched for the first time. */
const fillers = 16;

/** Asks for every page until it comes from the cache, and throws unless every byte is as the origin has it. Returns the mean bytes of a body. */
export async function fill(server: Server, pages: number, bytes: number, accept: string): Promise<number> {
  let next = 0;
  let sent = 0;
  const filler = async () => {
    for (let number = next++; number < pages; number = next++) {
      const wanted = pageText(number, bytes);
      let isHit = false;
      for (let tries = 0; !isHit && tries < 200; tries++) {
        const response = await fetch(`${server.url}/p/${number}`, {
          headers: { 'accept-encoding': accept === '' ? 'identity' : accept },
          decompress: false,
        });
        const body = new Uint8Array(await response.arrayBuffer());
        const coding = response.headers.get('content-encoding') ?? 'identity';
        if (response.status !== 200 || decoded(body, coding) !== wanted)
          throw new Error(`${server.url}/p/${number} is not what the origin has (${response.status}, ${coding}).`);
        isHit = isFromCache(response.headers);
        if (isHit) sent += body.length;
        else if (tries > 2) await Bun.sleep(10);
      }
      if (!isHit) throw new Error(`${server.url}/p/${number} does not get into the cache.`);
    }
  };
  await Promise.all(Array.from({ length: fillers }, filler));
  return sent / pages;
}

function isFromCache(headers: Headers): boolean {
  return headers.get('x-cache') === 'HIT' || /^zerohop;hit/.test(headers.get('cache-status') ?? '');
}

function decoded(body: Uint8Array<ArrayBuffer>, coding: string): string {
  return Buffer.from(decoders[coding]?.(body) ?? []).toString('latin1');
}

const decoders: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
  zstd: (bytes) => Bun.zstdDecompressSync(bytes),
};
