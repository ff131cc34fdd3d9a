// One round of warming as it is written down, and as others are told of it.

import type { WarmSettings } from './types.ts';
import type { Position } from './warm-sources.ts';

/** How pages came out. */
export interface WarmCounts {
  /** Were fresh. */
  fresh: number;
  fetched: number;
  /** The origin said that they still hold. */
  renewed: number;
  /** No rule lets them be stored, or the origin does not. */
  notStored: number;
  /** Addresses that are none of the site. */
  foreign: number;
  /** The origin answered with errors only. */
  failed: number;
}

export interface Round {
  state: 'running' | 'done' | 'stopped';
  readonly settings: WarmSettings;
  readonly startedMs: number;
  endedMs: number | null;
  position: Position;
  /** Addresses in what was read so far. */
  known: number;
  sitemapsKnown: number;
  sitemapsRead: number;
  /** That could not be read. */
  sitemapsFailed: number;
  readonly counts: WarmCounts;
  lastError: string | null;
}

export interface WarmProgress {
  readonly site: string;
  /** `waiting`: for the next round, if there is one. `paused`: the origin errs. */
  readonly state: 'waiting' | 'running' | 'paused';
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly nextMs: number | null;
  /** Why it is paused. */
  readonly pausedBecause: string | null;
  readonly pausedUntilMs: number | null;
  readonly lastError: string | null;
  /** Addresses gone through, and in what was read so far; sitemaps that are known, and read. */
  readonly done: number;
  readonly known: number;
  readonly sitemapsKnown: number;
  readonly sitemapsRead: number;
  readonly sitemapsFailed: number;
  readonly counts: WarmCounts;
}

const noCounts = (): WarmCounts => ({ fresh: 0, fetched: 0, renewed: 0, notStored: 0, foreign: 0, failed: 0 });

export function newRound(settings: WarmSettings): Round {
  return {
    state: 'running',
    settings,
    startedMs: Date.now(),
    endedMs: null,
    position: [],
    known: 0,
    sitemapsKnown: 0,
    sitemapsRead: 0,
    sitemapsFailed: 0,
    counts: noCounts(),
    lastError: null,
  };
}

/** Equal for rounds that go through the same. */
export function sourcesOf({ sitemaps, urls, list }: WarmSettings): string {
  return JSON.stringify([sitemaps, urls, list ?? null]);
}

/** @param nextMs when the next round is due */
export function progressOf(
  site: string,
  round: Round | undefined,
  pause: { readonly why: string; readonly untilMs: number } | undefined,
  nextMs: number | undefined,
): WarmProgress {
  const counts = round?.counts ?? noCounts();
  const isRunning = round?.state === 'running';
  const paused = isRunning ? pause : undefined;
  return {
    site,
    state: paused ? 'paused' : isRunning ? 'running' : 'waiting',
    startedMs: round?.startedMs ?? null,
    endedMs: round?.endedMs ?? null,
    nextMs: isRunning ? null : (nextMs ?? null),
    pausedBecause: paused?.why ?? null,
    pausedUntilMs: paused?.untilMs ?? null,
    lastError: round?.lastError ?? null,
    done: Object.values(counts).reduce((sum, count) => sum + count, 0),
    known: round?.known ?? 0,
    sitemapsKnown: round?.sitemapsKnown ?? 0,
    sitemapsRead: round?.sitemapsRead ?? 0,
    sitemapsFailed: round?.sitemapsFailed ?? 0,
    counts: { ...counts },
  };
}
