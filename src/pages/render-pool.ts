// The browsers of a node, and who may use them when: as many pages of a site at once as it says, the others wait, and too many are turned away.
// A turn is waited for, and a page rendered, within the site's time limit; a browser that does not keep it is ended. After so many pages a browser is replaced, and one without any to render ends.

import { type Logger, limits } from '../base/index.ts';
import { chromiumPath, type Playwright } from './playwright.ts';
import { RenderAssets } from './render-assets.ts';
import { RenderBrowser, within } from './render-browser.ts';
import { type Renderer, type RenderJob, type RenderOutcome, RenderTrouble } from './render-job.ts';
import { RenderRequests } from './render-requests.ts';
import { renderTab } from './render-tab.ts';
import type { Shield } from './shield.ts';
import type { RenderFailure } from './types.ts';

export interface RenderPoolOptions {
  readonly shield: Shield;
  readonly log: Logger;
  /** Loads playwright-core, once. */
  readonly load: () => Promise<Playwright>;
}

interface Slots {
  running: number;
  readonly waiting: (() => void)[];
}

/** How long a page that is over may take to be closed, in ms. */
const closingMs = 2_000;

export class RenderPool implements Renderer {
  readonly #options: RenderPoolOptions;
  readonly #slots = new Map<string, Slots>();
  readonly #browsers = new Map<string, Promise<RenderBrowser>>();
  readonly #all = new Set<RenderBrowser>();
  readonly #assets = new RenderAssets();
  #playwright: Promise<Playwright> | undefined;
  #idle: Timer | undefined;
  #isClosed = false;

  constructor(options: RenderPoolOptions) {
    this.#options = options;
  }

  async render(job: RenderJob): Promise<RenderOutcome> {
    const slots = this.#slotsOf(job.site.id);
    try {
      await takeTurn(slots, job.how.concurrency, job.how.timeoutMs);
    } catch (error) {
      return failed(error);
    }
    clearTimeout(this.#idle);
    const { outcome, over } = await this.#renderInTime(job).catch((error: unknown) => ({
      outcome: failed(error),
      over: Promise.resolve(),
    }));
    // Whoever waits for the page has no need to wait for its end.
    void over.then(() => {
      endTurn(slots);
      this.#endWhenIdle();
    });
    return outcome;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    await Promise.allSettled(this.#browsers.values());
    await Promise.all([...this.#all].map((browser) => browser.close()));
  }

  #slotsOf(site: string): Slots {
    const slots = this.#slots.get(site) ?? { running: 0, waiting: [] };
    this.#slots.set(site, slots);
    return slots;
  }

  /** `over`: when nothing of the page is left in the browser. */
  async #renderInTime(job: RenderJob): Promise<{ readonly outcome: RenderOutcome; readonly over: Promise<void> }> {
    const { timeoutMs } = job.how;
    const browser = await this.#browser(job);
    const ending = new AbortController();
    const requests = new RenderRequests(job, this.#options.shield, this.#assets, ending.signal);
    browser.begun++;
    browser.active++;
    const rendering = renderTab(browser, job, requests, ending.signal);
    const gone = browser.gone.then(() => {
      throw new RenderTrouble('browser', 'the browser ended');
    });
    const late: RenderOutcome = { ok: false, failure: 'timeout', why: `it was not ready after ${timeoutMs} ms` };
    const outcome = (await within(Promise.race([rendering, gone]).catch(failed), timeoutMs)) ?? late;
    ending.abort();
    const over = this.#finish(browser, rendering);
    if (outcome === late) browser.doubt = over;
    return { outcome, over };
  }

  /** A browser that can't close a page gets no more of them; one that does not even answer is ended, with all that are in it. */
  async #finish(browser: RenderBrowser, rendering: Promise<unknown>): Promise<void> {
    const isOver = rendering.then(
      () => true,
      () => true,
    );
    if (!(await within(isOver, closingMs))) {
      browser.isRetired = true;
      if (!(await browser.answers())) browser.kill();
    }
    browser.active--;
    if (browser.isRetired && browser.active === 0) void browser.close();
  }

  /** The one in use, or another: when it has ended, and when it has rendered so many pages that it may have grown. */
  async #browser({ how }: RenderJob): Promise<RenderBrowser> {
    if (this.#isClosed) throw new RenderTrouble('overloaded', 'the node is stopping');
    const executable = chromiumPath(how.executable, process.env.CHROMIUM_PATH);
    const running = this.#browsers.get(executable);
    const browser = await running?.catch(() => undefined);
    await browser?.doubt;
    if (browser?.isUsable && browser.begun < limits.rendersOfBrowser) return browser;
    if (browser) {
      browser.isRetired = true;
      if (browser.active === 0) void browser.close();
    }
    // Another page may have asked meanwhile.
    const now = this.#browsers.get(executable);
    const next = now === undefined || now === running ? this.#launch(executable) : now;
    this.#browsers.set(executable, next);
    return next;
  }

  async #launch(executable: string): Promise<RenderBrowser> {
    this.#playwright ??= this.#options.load();
    try {
      const browser = await RenderBrowser.launch(await this.#playwright, executable, this.#options.log);
      this.#all.add(browser);
      void browser.gone.then(() => this.#all.delete(browser));
      return browser;
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      throw new RenderTrouble('browser', `the browser does not start: ${why}`);
    }
  }

  #endWhenIdle(): void {
    if ([...this.#slots.values()].some(({ running }) => running > 0)) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#browsers.clear();
      for (const browser of this.#all) void browser.close();
    }, limits.renderIdleMs).unref();
  }
}

/** Rejects with RenderTrouble. */
async function takeTurn(slots: Slots, most: number, timeoutMs: number): Promise<void> {
  if (slots.running < most) {
    slots.running++;
    return;
  }
  if (slots.waiting.length >= limits.rendersWaiting)
    throw new RenderTrouble('overloaded', `${limits.rendersWaiting} pages of the site wait to be rendered already`);
  const turn = Promise.withResolvers<true>();
  const take = () => turn.resolve(true);
  slots.waiting.push(take);
  if (await within(turn.promise, timeoutMs)) return;
  const at = slots.waiting.indexOf(take);
  // It came in the same moment: it is for the next.
  if (at < 0) endTurn(slots);
  else slots.waiting.splice(at, 1);
  throw new RenderTrouble('overloaded', `it got no turn in ${timeoutMs} ms`);
}

function endTurn(slots: Slots): void {
  const next = slots.waiting.shift();
  if (next) next();
  else slots.running--;
}

function failed(error: unknown): RenderOutcome {
  if (error instanceof RenderTrouble) return { ok: false, failure: error.failure, why: error.message };
  const failure: RenderFailure = 'browser';
  return { ok: false, failure, why: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
}
