// What one thread measures of its page cache: counts by site as requests are answered, the rest when it is read. What threads share is told by
// the first of them alone, as the numbers of all are added up.

import type { Counter, Histogram } from '../base/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { OriginFailure } from './origin.ts';
import type { RenderFailure, Site } from './types.ts';

/** How a request was answered: from a fresh page, a stale one, by the origin, past the cache, or not as it should be. */
export type PageResult = 'hit' | 'stale' | 'miss' | 'pass' | 'error';

export interface SiteMetrics {
  readonly requests: Readonly<Record<PageResult, Counter>>;
  readonly originSeconds: Histogram;
  readonly renderSeconds: Histogram;
  rendered(result: 'rendered' | RenderFailure): void;
  /** A request to the origin has ended: with this class of status, or failed so. */
  originAnswered(result: `${number}xx` | OriginFailure): void;
}

/** In seconds: an origin is slower than a hit. */
const originBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type PagesMeters = Pick<Metrics, 'counter' | 'histogram' | 'sample'>;

export function siteMetrics(meters: PagesMeters, { id: site }: Site): SiteMetrics {
  const requests = (result: PageResult) =>
    meters.counter('zerohop_pages_requests_total', 'Requests for pages, by how they were answered', { site, result });
  return {
    requests: {
      hit: requests('hit'),
      stale: requests('stale'),
      miss: requests('miss'),
      pass: requests('pass'),
      error: requests('error'),
    },
    originSeconds: meters.histogram(
      'zerohop_pages_origin_seconds',
      'Time from a request to an origin to the beginning of its answer',
      originBounds,
      { site },
    ),
    renderSeconds: meters.histogram(
      'zerohop_pages_render_seconds',
      'Time a page takes to be rendered, waiting for a turn included',
      originBounds,
      { site },
    ),
    rendered: (result) =>
      meters
        .counter('zerohop_pages_renders_total', 'Pages given to a browser to render, by what came of them', {
          site,
          result,
        })
        .add(1),
    originAnswered: (result) =>
      meters
        .counter('zerohop_pages_origin_requests_total', 'Requests to origins, by what came of them', { site, result })
        .add(1),
  };
}
