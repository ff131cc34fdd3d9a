// The numbers of the page cache that are read when the metrics are: by each thread what is its own, by the first what all share.

import type { PagesMeters } from './page-metrics.ts';
import type { Pages } from './pages.ts';
import type { Share } from './readiness.ts';
import type { PageUpkeep } from './upkeep.ts';
import type { WarmUps } from './warm-ups.ts';

/** What only one thread of a node has. */
export interface PrimaryPages {
  readonly upkeep: PageUpkeep;
  readonly warmUps: WarmUps;
}

/** Readiness takes many reads: what it was stands for this long, in ms; and is of so many requests. */
const readinessMs = 60_000;
const samplesMost = 300;

export function samplePages(meters: PagesMeters, pages: Pages, primary: PrimaryPages | undefined): void {
  const { store } = pages;
  const gauge = (name: string, help: string, read: () => number, labels: Record<string, string> = {}) =>
    meters.sample('gauge', `zerohop_pages_${name}`, help, read, labels);
  gauge('memory_pages', 'Pages in memory, of all threads', () => store.hotPages);
  gauge('memory_bytes', 'Bytes of pages in memory, of all threads', () => store.hotBytes);
  sampleReadiness(gauge, pages);
  if (!primary) return;
  gauge('stored', 'Pages on disk', () => store.tables.page.recordCount());
  gauge('stored_bodies', 'Bodies on disk', () => store.tables.body.recordCount());
  gauge('stored_bytes', 'Bytes of bodies on disk, as of the last round of upkeep', () => primary.upkeep.storedBytes);
  pages.sites.forEach(({ id: site }, number) => {
    gauge('origin_under_way', 'Requests to an origin that are under way', () => pages.shield.underWay(number), {
      site,
    });
    gauge(
      'origin_open',
      'Whether an origin is asked: 0 while it is left alone after failures, or switched off',
      () => Number(pages.shield.isOpen(number, store.mode(site))),
      { site },
    );
    sampleWarming(gauge, primary.warmUps, site);
  });
}

type AddGauge = (name: string, help: string, read: () => number, labels?: Record<string, string>) => void;

/** As numbers of requests, which can be added up: the share is `fresh` or `stale` by the sum of all three. */
function sampleReadiness(gauge: AddGauge, pages: Pages): void {
  let share: Share | undefined;
  let atMs = 0;
  const current = (): Share => {
    const nowMs = Date.now();
    if (share === undefined || nowMs - atMs >= readinessMs) {
      share = pages.recentShare(nowMs, samplesMost);
      atMs = nowMs;
    }
    return share;
  };
  const help = 'Requests of the last hour by how they would be answered if the origin failed now';
  const add = (servable: string, read: (share: Share) => number) =>
    gauge('readiness_requests', help, () => read(current()), { servable });
  add('fresh', ({ requests, fresh }) => requests * fresh);
  add('stale', ({ requests, stale }) => requests * stale);
  add('no', ({ requests, fresh, stale }) => Math.max(0, requests * (1 - fresh - stale)));
}

const warmResults = ['fresh', 'fetched', 'renewed', 'notStored', 'foreign', 'failed'] as const;

function sampleWarming(gauge: AddGauge, warmUps: WarmUps, site: string): void {
  const of = () => warmUps.progress().find((one) => one.site === site);
  gauge(
    'warming',
    'Whether pages are warmed: 1 while they are, 0.5 while that is paused',
    () => warmingOf(of()?.state),
    {
      site,
    },
  );
  gauge('warm_known', 'Addresses of this or the last round of warming, as far as known', () => of()?.known ?? 0, {
    site,
  });
  for (const result of warmResults) {
    const read = () => of()?.counts[result] ?? 0;
    gauge('warm_done', 'Addresses gone through in this or the last round of warming', read, { site, result });
  }
}

function warmingOf(state: string | undefined): number {
  return state === 'running' ? 1 : state === 'paused' ? 0.5 : 0;
}
