// One Chromium process, started when it is needed. It has no network: names do not resolve, and what is asked for by address goes to a proxy that
// is not there. It ends when it is told to, whether it still listens or not.

import type { Logger } from '../base/index.ts';
import type { Browser, Playwright } from './playwright.ts';
import { browserStartMs } from './render-job.ts';

/** How long it may take to answer at all, and to end by itself, in ms. */
const answerMs = 3_000;
const closeMs = 2_000;

const switches = [
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--proxy-server=http://127.0.0.1:9',
  '--proxy-bypass-list=<-loopback>',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--disable-quic',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--no-first-run',
];

export class RenderBrowser {
  readonly browser: Browser;
  readonly #pid: number | undefined;
  /** Pages it has been given, and those it has now. */
  begun = 0;
  active = 0;
  /** A page was not ready in time: until this resolves it is not known whether the browser still does anything. */
  doubt: Promise<void> = Promise.resolve();
  /** Gets no more pages. */
  isRetired = false;
  #isGone = false;
  readonly #gone = Promise.withResolvers<void>();

  private constructor(browser: Browser, pid: number | undefined) {
    this.browser = browser;
    this.#pid = pid;
    browser.on('disconnected', () => {
      this.#isGone = true;
      this.#gone.resolve();
    });
  }

  static async launch({ chromium }: Playwright, executable: string, log: Logger): Promise<RenderBrowser> {
    const start = (chromiumSandbox: boolean) =>
      chromium.launch({
        executablePath: executable,
        args: switches,
        chromiumSandbox,
        timeout: browserStartMs,
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      });
    // The administrator of a machine has no sandbox, and some containers give none to anybody.
    const isRoot = process.getuid?.() === 0;
    const browser = await start(!isRoot).catch((error: unknown) => {
      if (isRoot) throw error;
      log.warn('Chromium does not start in its sandbox here. It is started without.', { error });
      return start(false);
    });
    return new RenderBrowser(browser, await pidOf(browser));
  }

  get isUsable(): boolean {
    return !this.#isGone && !this.isRetired;
  }

  /** Resolves when it has ended, by whatever cause. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Whether it still does anything. */
  async answers(): Promise<boolean> {
    const asked = pidOf(this.browser).then(
      () => true,
      () => false,
    );
    return (await within(asked, answerMs)) === true;
  }

  async close(): Promise<void> {
    this.isRetired = true;
    const closed = this.browser.close().then(
      () => true,
      () => true,
    );
    if (!(await within(closed, closeMs))) this.kill();
    await within(this.gone, closeMs);
  }

  /** Ends one that does not answer any more. */
  kill(): void {
    this.isRetired = true;
    if (this.#isGone || this.#pid === undefined) return;
    try {
      process.kill(this.#pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Undefined: not in time. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: Timer | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function pidOf(browser: Browser): Promise<number | undefined> {
  const session = await browser.newBrowserCDPSession();
  const told = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const { processInfo } = told as { readonly processInfo: readonly { readonly type: string; readonly id: number }[] };
  return processInfo.find(({ type }) => type === 'browser')?.id;
}
