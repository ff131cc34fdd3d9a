// Fetches sitemaps and lists of addresses: those of a site from its origin, within its limits, others from where they are.

import { addHost } from './key.ts';
import type { OutageMode, Shield } from './shield.ts';
import type { Site } from './types.ts';
import { targetOn, troubleOfFailure, troubleOfStatus, type WarmTrouble } from './warm-page.ts';

export interface SourceParts {
  readonly site: Site;
  readonly number: number;
  readonly shield: Shield;
  readonly mode: OutageMode;
}

export class SourceTrouble extends Error {
  readonly trouble: WarmTrouble;

  constructor(trouble: WarmTrouble) {
    super(trouble.why);
    this.trouble = trouble;
  }
}

const redirectsMost = 5;

/** @param from the sitemap that names it: what that is not beside, and not on the site, is not fetched */
export async function fetchSource(
  parts: SourceParts,
  address: string,
  from: string | undefined,
): Promise<ReadableStream<Uint8Array>> {
  for (let redirects = 0, at = address; redirects <= redirectsMost; redirects++) {
    const answer = isOfSite(parts.site, at) ? await ofOrigin(parts, at) : await ofElsewhere(parts.site, at, from);
    const location = answer.headers.get('location');
    if (answer.status >= 300 && answer.status < 400 && location !== null) {
      await answer.body?.cancel();
      at = new URL(location, URL.parse(at)?.href ?? `${parts.site.origin}${at}`).href;
    } else if (answer.status === 200 && answer.body) return answer.body;
    else {
      await answer.body?.cancel();
      throw new SourceTrouble(troubleOfStatus(answer.status, answer.headers));
    }
  }
  throw failed(address, 'it is redirected too often');
}

/** A site for any host has the host of its origin. */
function isOfSite(site: Site, address: string): boolean {
  if (address.startsWith('/')) return true;
  const host = URL.parse(address)?.host;
  return host === new URL(site.origin).host || (site.host !== undefined && targetOn(site, address) !== undefined);
}

async function ofOrigin({ site, number, shield, mode }: SourceParts, address: string): Promise<Response> {
  const target = targetOn(site, address);
  if (!target) throw failed(address, 'it is no address');
  const headers = new Headers({ accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': userAgent });
  addHost(site, new Headers({ host: target.host }), headers);
  const asked = { method: 'GET', target: target.path + target.search, headers };
  const answer = await shield.ask(site, number, mode, asked);
  if (!answer.ok) throw new SourceTrouble(troubleOfFailure(answer.failure));
  return answer.response;
}

async function ofElsewhere(site: Site, address: string, from: string | undefined): Promise<Response> {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) throw failed(address, 'it is no address');
  if (from !== undefined && url.host !== URL.parse(from)?.host)
    throw failed(address, `it is neither on ${site.id} nor beside ${from}`);
  return await fetch(url, {
    headers: { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': userAgent },
    redirect: 'manual',
    decompress: false,
    signal: AbortSignal.timeout(site.timeoutMs.total),
  });
}

const userAgent = 'Mozilla/5.0 (compatible; Zerohop)';

function failed(address: string, why: string): SourceTrouble {
  return new SourceTrouble({ extent: 'page', why: `${address}: ${why}`, retryAfterMs: undefined });
}
