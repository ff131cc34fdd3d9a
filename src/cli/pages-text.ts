// The page cache as a person reads it.

import type { PagesStatus, ReadinessReport, WarmProgress } from '../pages/index.ts';

export function describeStatus(status: PagesStatus & { readonly warm: readonly WarmProgress[] }): string {
  const sites = status.sites.map(({ site, origin, outage, asked, underWay }) => {
    const how =
      outage === 'on'
        ? 'switched off'
        : outage === 'force'
          ? 'asked even while it fails'
          : asked
            ? 'is asked'
            : 'has failed and is left alone';
    return `${site}  ${origin}  ${how}${underWay > 0 ? `, ${underWay} requests under way` : ''}`;
  });
  return [
    ...sites,
    `stored     ${status.pages} pages, ${status.bodies} bodies`,
    `in memory  ${status.memory.pages} pages, ${sizeText(status.memory.bytes)}`,
    ...describeReadiness(status.readiness).split('\n').slice(0, 2),
    ...status.warm.filter(({ startedMs, nextMs }) => startedMs !== null || nextMs !== null).map(describeWarming),
  ].join('\n');
}

export function describeReadiness({ hour, day, missing }: ReadinessReport): string {
  const share = (name: string, { requests, fresh, stale }: ReadinessReport['hour']) =>
    requests === 0
      ? `${name}  no requests yet`
      : `${name}  ${percent(fresh + stale)} of ${requests} requests would be served without the origin (${percent(fresh)} fresh, ${percent(stale)} stale)`;
  const lines = [share('last hour', hour), share('last day ', day)];
  if (missing.length > 0) lines.push('busy pages that would not be served:');
  for (const { key, requests } of missing) lines.push(`  ${String(requests).padStart(8)}  ${key}`);
  return lines.join('\n');
}

export function describeWarming(progress: WarmProgress): string {
  const { site, state, counts, sitemapsFailed, lastError, pausedBecause, pausedUntilMs, endedMs, nextMs } = progress;
  const done = [
    `${counts.fetched} fetched`,
    `${counts.renewed} renewed`,
    `${counts.fresh} were fresh`,
    ...(counts.notStored > 0 ? [`${counts.notStored} not stored`] : []),
    ...(counts.foreign > 0 ? [`${counts.foreign} of other sites`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(sitemapsFailed > 0 ? [`${sitemapsFailed} sitemaps failed`] : []),
  ].join(', ');
  const when =
    state === 'paused'
      ? `paused until ${timeText(pausedUntilMs)}: ${pausedBecause}`
      : state === 'running'
        ? `${percent(shareDone(progress))} of what is known so far`
        : [
            endedMs === null ? 'stopped' : `done ${timeText(endedMs)}`,
            ...(nextMs === null ? [] : [`next ${timeText(nextMs)}`]),
          ].join(', ');
  const trouble = lastError === null || state === 'paused' ? '' : `\n  last error: ${lastError}`;
  return `warming    ${site}: ${done}; ${when}${trouble}`;
}

/** Of all, guessed from what is known: sitemaps that were not read yet count as long as those that were. */
export function shareDone({ done, known, sitemapsKnown, sitemapsRead, state, endedMs }: WarmProgress): number {
  if (state === 'waiting') return endedMs === null ? 0 : 1;
  const all = sitemapsRead === 0 ? known : known * Math.max(1, sitemapsKnown / sitemapsRead);
  return all === 0 ? 0 : Math.min(1, done / all);
}

export function sizeText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function percent(share: number): string {
  // What is not all must not look as if it were.
  const shown = Math.min(share >= 1 ? 100 : 99.9, Math.round(share * 1000) / 10);
  return `${shown} %`;
}

function timeText(ms: number | null): string {
  return ms === null ? '' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
