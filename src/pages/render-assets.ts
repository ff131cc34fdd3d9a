// Scripts and style sheets of pages that are rendered, kept as a browser's cache would keep them: each rendered page begins with an empty
// profile, and would ask for all of them again.

import { limits } from '../base/index.ts';
import { lifetimeOf, parseDirectives } from './directives.ts';

/** What a page gets for something it asked for, decoded. */
export interface PageGets {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

interface Kept {
  readonly gets: PageGets;
  readonly untilMs: number;
}

export class RenderAssets {
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  readonly #bytes: number;
  #size = 0;

  constructor(bytes: number = limits.renderAssetBytes) {
    this.#bytes = bytes;
  }

  get(key: string, nowMs: number): PageGets | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#drop(key);
    if (kept.untilMs <= nowMs) return undefined;
    this.#add(key, kept);
    return kept.gets;
  }

  /** Keeps what says for how long it may be, and is the same for all. */
  put(key: string, gets: PageGets, nowMs: number): void {
    const directives = parseDirectives(gets.headers['cache-control'] ?? null);
    const seconds = lifetimeOf(directives, 'max-age') ?? 0;
    const varies = (gets.headers.vary ?? 'accept-encoding').toLowerCase() !== 'accept-encoding';
    if (gets.status !== 200 || seconds <= 0 || varies || directives.has('no-store') || directives.has('no-cache'))
      return;
    this.#drop(key);
    this.#add(key, { gets, untilMs: nowMs + seconds * 1000 });
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#bytes) break;
      this.#drop(oldest);
    }
  }

  #add(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#size += sizeOf(kept);
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (kept) this.#size -= sizeOf(kept);
    this.#kept.delete(key);
  }
}

/** With about what its headers and its place take. */
function sizeOf({ gets }: Kept): number {
  return gets.body.byteLength + 1_000;
}
