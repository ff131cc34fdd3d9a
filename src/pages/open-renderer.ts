// The renderer of a node: one for all its threads, in the one that is handed the jobs of the others. Nothing of it is loaded before the first page.

import { resolve } from 'node:path';
import type { Logger } from '../base/index.ts';
import { chromiumPath, type Playwright, playwrightPath } from './playwright.ts';
import type { Renderer } from './render-job.ts';
import type { SharedState } from './shared-state.ts';
import { Shield } from './shield.ts';
import type { Site } from './types.ts';

export interface LoadedRenderer extends Renderer {
  close(): Promise<void>;
}

export interface RendererOptions {
  /** Of the app, which may bring playwright-core. */
  readonly folder: string;
  readonly state: SharedState;
  readonly log: Logger;
}

/** Whether any of the sites has its pages rendered. Throws INVALID_CONFIG where that can't be done. */
export function prepareRenderer(sites: readonly Site[], folder: string): boolean {
  const settings = sites.flatMap(({ render }) => render ?? []);
  if (settings.length === 0) return false;
  playwrightPath(foldersOf(folder));
  for (const { executable } of settings) chromiumPath(executable, process.env.CHROMIUM_PATH);
  return true;
}

export function openRenderer({ folder, state, log }: RendererOptions): LoadedRenderer {
  const load = async (): Promise<Playwright> => {
    const loaded: { readonly default?: unknown } = await import(playwrightPath(foldersOf(folder)));
    return (loaded.default ?? loaded) as Playwright;
  };
  const opening = import('./render-pool.ts').then(
    ({ RenderPool }) => new RenderPool({ shield: new Shield(state), log, load }),
  );
  return {
    render: async (job) => (await opening).render(job),
    close: async () => (await opening).close(),
  };
}

function foldersOf(app: string): readonly string[] {
  return [resolve(app), import.meta.dirname];
}
