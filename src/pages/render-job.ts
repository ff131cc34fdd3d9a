// One page to be rendered, and what came of it: plain data, as it goes from the thread that fetched the page to the one that has the browser.

import type { OutageMode } from './shield.ts';
import type { RenderFailure, RenderHow, Site } from './types.ts';

/** How long a browser may take to start, in ms. */
export const browserStartMs = 20_000;

export interface RenderJob {
  readonly site: Pick<Site, 'id' | 'origin' | 'timeoutMs' | 'limit' | 'maxBodyBytes'>;
  /** Of the site among all. */
  readonly number: number;
  readonly mode: OutageMode;
  readonly how: RenderHow;
  /** The page as visitors have it: 'https://shop.example.com/product/1'. */
  readonly url: string;
  /** The origin's answer, decoded. */
  readonly document: {
    readonly status: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body: Uint8Array<ArrayBuffer>;
  };
  /** Request headers the origin gets to see of all the page asks it for: part of the page's key, or the same for all. */
  readonly forward: readonly (readonly [name: string, value: string])[];
  readonly cookies: readonly (readonly [name: string, value: string])[];
  /** Of the kind of visitor the page is for; undefined: the browser's own. */
  readonly userAgent: string | undefined;
  readonly language: string | undefined;
  readonly device: 'desktop' | 'mobile' | 'tablet';
}

export type RenderOutcome =
  /** `status`: the page says so of itself. */
  | { readonly ok: true; readonly html: string; readonly status: number | undefined }
  /** `why` completes "was not rendered: …". */
  | { readonly ok: false; readonly failure: RenderFailure; readonly why: string };

export interface Renderer {
  /** Never rejects. */
  render(job: RenderJob): Promise<RenderOutcome>;
}

export class RenderTrouble extends Error {
  readonly failure: RenderFailure;

  constructor(failure: RenderFailure, why: string) {
    super(why);
    this.failure = failure;
  }
}
