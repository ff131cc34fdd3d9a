// The drill: how much of everything, and what the origin does when.

export type OriginMode = 'up' | 'killed' | 'hangs' | 'fails';

export interface Phase {
  readonly name: string;
  readonly mode: OriginMode;
  readonly seconds: number;
}

export interface Plan {
  readonly pages: number;
  /** The busiest pages, which change often. */
  readonly live: number;
  /** Of every page, about, as the origin sends it. */
  readonly bytes: number;
  readonly perSecond: number;
  readonly phases: readonly Phase[];
  /** Freshness of the busiest pages, in seconds; all others have an hour of each and a week. */
  readonly liveSeconds: Freshness;
  /** After the origin is back, in seconds: by then no page is older than it may be while the origin answers. */
  readonly settleSeconds: number;
  /** How long an origin that failed is left alone first. */
  readonly openSeconds: number;
}

export interface Freshness {
  readonly fresh: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

export const otherSeconds: Freshness = { fresh: 3600, staleWhileRevalidate: 3600, staleIfError: 7 * 86_400 };

/** Of the origin at the same time, for whatever reason. */
export const originMost = 64;
/** How long the origin takes for a page. */
export const originMs = 5;
export const connectMs = 500;
export const firstByteMs = 2_000;

/** The first visitors come to a cache that has pages and has not served any: code is compiled and files are read for the first time. */
const arrival = 'first visitors';

const phases = (arriving: number, first: number, each: number, last: number): readonly Phase[] => [
  { name: arrival, mode: 'up', seconds: arriving },
  { name: 'origin answers', mode: 'up', seconds: first },
  { name: 'origin is dead', mode: 'killed', seconds: each },
  { name: 'origin hangs', mode: 'hangs', seconds: each },
  { name: 'origin says 500', mode: 'fails', seconds: each },
  { name: 'origin is back', mode: 'up', seconds: last },
];

export const plans: Readonly<Record<'full' | 'quick', Plan>> = {
  full: {
    pages: 1_000_000,
    live: 1_000,
    bytes: 1_500,
    perSecond: 5_560,
    phases: phases(15, 25, 35, 45),
    liveSeconds: { fresh: 10, staleWhileRevalidate: 15, staleIfError: 86_400 },
    settleSeconds: 20,
    openSeconds: 1,
  },
  quick: {
    pages: 20_000,
    live: 200,
    bytes: 1_500,
    perSecond: 2_000,
    phases: phases(2, 3, 3, 9),
    liveSeconds: { fresh: 1, staleWhileRevalidate: 1, staleIfError: 86_400 },
    settleSeconds: 7,
    openSeconds: 0.5,
  },
};

/** Whether a phase is one of the drill itself. */
export function isOfDrill({ name }: Phase): boolean {
  return name !== arrival;
}

export function secondsOf({ phases }: Plan): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Address of the page that is asked for as the `rank`th most, from 0. */
export function pathOf(rank: number, live: number): string {
  return rank < live ? `/live/${rank}` : `/p/${rank}`;
}

/** The oldest a page may be in a second of the drill, in seconds. */
export function oldestAllowed(plan: Plan, second: number, isLive: boolean): number {
  const { fresh, staleWhileRevalidate, staleIfError } = isLive ? plan.liveSeconds : otherSeconds;
  return fresh + (isSettled(plan, second) ? staleWhileRevalidate : Math.max(staleWhileRevalidate, staleIfError));
}

/** Whether the origin answers, and has done so for a while. */
function isSettled({ phases, settleSeconds }: Plan, second: number): boolean {
  let begin = 0;
  for (const [at, { mode, seconds }] of phases.entries()) {
    if (second < begin + seconds)
      return mode === 'up' && ((phases[at - 1]?.mode ?? 'up') === 'up' || second >= begin + settleSeconds);
    begin += seconds;
  }
  return false;
}
