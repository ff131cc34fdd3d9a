// What is used of playwright-core, which an app brings along when it has pages rendered; and the browser it drives.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ZerohopError } from '../base/index.ts';

export interface Playwright {
  readonly chromium: { launch(options: object): Promise<Browser> };
}

export interface Browser {
  newContext(options: object): Promise<BrowserContext>;
  newBrowserCDPSession(): Promise<{ send(method: string): Promise<unknown>; detach(): Promise<void> }>;
  on(event: 'disconnected', listener: () => void): unknown;
  close(): Promise<void>;
}

export interface BrowserContext {
  addCookies(cookies: readonly object[]): Promise<void>;
  newPage(): Promise<BrowserPage>;
  route(pattern: string, handler: (route: Route, request: BrowserRequest) => Promise<void>): Promise<unknown>;
  routeWebSocket(pattern: string, handler: (socket: { close(): unknown }) => unknown): Promise<unknown>;
  on(event: 'page', listener: (page: BrowserPage) => void): unknown;
  close(): Promise<void>;
}

export interface BrowserPage {
  mainFrame(): unknown;
  goto(url: string, options: object): Promise<unknown>;
  waitForLoadState(state: 'networkidle', options: object): Promise<void>;
  evaluate(expression: string): Promise<unknown>;
  content(): Promise<string>;
  on(event: 'crash', listener: () => void): unknown;
  close(): Promise<void>;
}

export interface Route {
  abort(): Promise<void>;
  fulfill(answer: object): Promise<void>;
}

export interface BrowserRequest {
  url(): string;
  method(): string;
  headers(): Record<string, string>;
  postDataBuffer(): Uint8Array<ArrayBuffer> | null;
  resourceType(): string;
  frame(): unknown;
}

/** Of the app's folder, or beside the runtime. Throws INVALID_CONFIG where it is not installed. */
export function playwrightPath(folders: readonly string[]): string {
  for (const folder of folders) {
    try {
      return createRequire(join(folder, 'package.json')).resolve('playwright-core');
    } catch {
      // Perhaps the next has it.
    }
  }
  throw new ZerohopError(
    'INVALID_CONFIG',
    'config.yaml: pages with "render" need playwright-core, which is not installed. In the folder of the app: npm install playwright-core',
  );
}

/** Where Debian, Ubuntu, Fedora and Alpine put it. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** As configured, or by CHROMIUM_PATH, or where systems have it. Throws INVALID_CONFIG where there is none. */
export function chromiumPath(configured: string | undefined, environment: string | undefined): string {
  const named = configured ?? (environment === '' ? undefined : environment);
  const found = (named === undefined ? places : [named]).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new ZerohopError(
    'INVALID_CONFIG',
    named === undefined
      ? 'config.yaml: pages with "render" need Chromium, which is not installed. On Debian: apt-get install chromium; elsewhere, say where it is with render.executable or CHROMIUM_PATH'
      : `config.yaml: pages with "render": there is no browser at ${named}. Correct ${configured === undefined ? 'CHROMIUM_PATH' : 'render.executable'}, or leave it out to have Chromium looked for`,
  );
}
