// `pages`: the page cache in front of other sites. Before everything else of the app: what is for one of its sites is answered here.

import {
  answerControl,
  controlPath,
  openRenderer,
  PageStore,
  Pages,
  PagesControl,
  type PagesMeters,
  PageUpkeep,
  prepareRenderer,
  RemotePurges,
  type Renderer,
  readPages,
  SharedState,
  samplePages,
  WarmUps,
} from '../pages/index.ts';
import type { HttpRequest, HttpStep } from '../protocols/http/index.ts';
import type { AppNode } from '../resources/index.ts';
import { pagesOf } from './pages-api.ts';

/** What the threads of a node share for it, and which of them this is. */
export interface PagesMemory {
  readonly buffer: SharedArrayBuffer;
  readonly thread: number;
  /** Renders pages for all threads. */
  readonly renderer: Renderer;
}

export interface LoadedPages {
  readonly step: HttpStep;
  readonly control: PagesControl;
  close(): void;
}

export interface LoadPagesOptions {
  readonly node: AppNode;
  /** Of the app. */
  readonly folder: string;
  /** Whether this thread makes the tables, tidies up and warms. */
  readonly primary: boolean;
  /** Undefined: there are no other threads. */
  readonly memory: PagesMemory | undefined;
  readonly meters: PagesMeters;
}

export async function loadPages(
  value: unknown,
  { node, folder, primary, memory, meters }: LoadPagesOptions,
): Promise<LoadedPages> {
  const { sites, diskBytes, memoryBytes } = readPages(value);
  const { databases, log, tracer } = node;
  const isRendering = prepareRenderer(sites, folder);
  if (primary) await PageStore.prepare(databases, sites);
  const state = new SharedState(memory?.buffer, memory?.thread);
  const own = isRendering && !memory ? openRenderer({ folder, state, log }) : undefined;
  const renderer = own ?? (isRendering ? memory?.renderer : undefined);
  const pages = new Pages({ sites, databases, state, log, hotBytes: memoryBytes, meters, tracer, renderer });
  const upkeep = primary ? new PageUpkeep({ store: pages.store, diskBytes, log }) : undefined;
  const warmUps = primary ? new WarmUps({ pages, folder, log }) : undefined;
  const purges = primary ? new RemotePurges(pages.store, log) : undefined;
  const control = new PagesControl(pages, warmUps);
  pagesOf.set(node, control);
  samplePages(meters, pages, upkeep && warmUps && { upkeep, warmUps });
  upkeep?.start();
  purges?.start();
  warmUps?.start();
  return {
    step: {
      name: 'pages',
      before: 'authentication',
      atOnce: (raw, url) => pages.atOnce(raw, url),
      handle(request: HttpRequest, next) {
        if (request.url.startsWith(controlPath) && request.pathname === controlPath)
          return identified(request, () => answerControl(control, request));
        if (request.method === 'PURGE') return identified(request, () => pages.handle(request) ?? next(request));
        return pages.handle(request) ?? next(request);
      },
    },
    control,
    close() {
      upkeep?.stop();
      purges?.stop();
      warmUps?.close();
      void own?.close();
    },
  };
}

/** These come before the step that finds out who is asking: pages are for everybody. */
async function identified(request: HttpRequest, then: () => Response | Promise<Response>): Promise<Response> {
  await request.identify();
  return then();
}
