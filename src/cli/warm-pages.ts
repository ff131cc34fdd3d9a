// `zerohop pages warm`: begins a round of warming and shows how far it is, as a bar on a terminal and as lines elsewhere.

import { readFileSync } from 'node:fs';
import type { WarmProgress } from '../pages/index.ts';
import { callOperation, type Target } from './call-operation.ts';
import { BadUsage } from './failure.ts';
import { describeWarming, percent, shareDone } from './pages-text.ts';

export interface WarmOptions {
  readonly sitemap?: readonly string[];
  /** A file. */
  readonly urls?: string;
  readonly concurrency?: number;
  readonly perSecond?: number;
  readonly stop?: true;
  readonly detach?: true;
}

/** How often it is looked at, in ms; and how often a line is written where there is no terminal. */
const lookMs = 500;
const lineMs = 10_000;

/** Resolves with the exit code: 1 when pages failed. */
export async function warmPages(site: string | undefined, options: Target & WarmOptions): Promise<number> {
  const { sitemap, urls, concurrency, perSecond, stop, detach, ...target } = options;
  const listed = urls === undefined ? undefined : linesOf(urls);
  const order = { site, sitemap, urls: listed, concurrency, perSecond, stop };
  const begun = progressOf(await callOperation('pages_warm', order, target));
  const isMeant = (one: WarmProgress) => site === undefined || one.site === site;
  if (stop || detach) {
    print(begun.filter(isMeant), target);
    return 0;
  }
  const started = new Set(begun.filter((one) => isMeant(one) && one.state !== 'waiting').map((one) => one.site));
  const followed = (all: readonly WarmProgress[]) =>
    all.filter((one) => started.has(one.site) || (started.size === 0 && isMeant(one)));
  const show = shower(target);
  let last = followed(begun);
  while (last.some(({ state }) => state !== 'waiting')) {
    show(last);
    await Bun.sleep(lookMs);
    last = followed(progressOf(await callOperation('pages_warm', { progress: true }, target)));
  }
  show.end();
  print(last, target);
  return last.some(({ counts, sitemapsFailed, endedMs }) => endedMs === null || counts.failed + sitemapsFailed > 0)
    ? 1
    : 0;
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      if (line.startsWith('/') || /^https?:\/\//i.test(line)) return line;
      throw new BadUsage(`${file}: "${line}" is neither a path nor an address.`);
    });
}

function progressOf(answer: unknown): readonly WarmProgress[] {
  return (answer as { warm: readonly WarmProgress[] }).warm;
}

interface Shower {
  (all: readonly WarmProgress[]): void;
  end(): void;
}

/** Nothing for programs, which wait for the end. */
function shower({ json }: Target): Shower {
  const isTerminal = process.stderr.isTTY === true;
  let before = Number.NEGATIVE_INFINITY;
  const show = (all: readonly WarmProgress[]): void => {
    if (json) return;
    if (isTerminal) return void process.stderr.write(`\r\x1b[K${all.map(barOf).join('   ')}`);
    if (performance.now() - before < lineMs) return;
    before = performance.now();
    for (const one of all) console.error(describeWarming(one));
  };
  return Object.assign(show, { end: () => void (!json && isTerminal && process.stderr.write('\r\x1b[K')) });
}

const barWidth = 24;

export function barOf(progress: WarmProgress): string {
  const share = shareDone(progress);
  const filled = Math.floor(share * barWidth);
  const bar = `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}]`;
  const { startedMs, counts, done, state, pausedBecause } = progress;
  if (state === 'paused') return `${progress.site} ${bar} ${percent(share)}  paused: ${pausedBecause}`;
  const seconds = Math.max(1, (Date.now() - (startedMs ?? Date.now())) / 1000);
  const perSecond = Math.round((counts.fetched + counts.renewed) / seconds);
  return `${progress.site} ${bar} ${percent(share)}  ${done} pages, ${perSecond}/s${counts.failed > 0 ? `, ${counts.failed} failed` : ''}`;
}

function print(all: readonly WarmProgress[], { json }: Target): void {
  console.log(json ? JSON.stringify({ warm: all }) : all.map(describeWarming).join('\n'));
}
