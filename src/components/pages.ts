// `pages`: the page cache in front of other sites. Before everything else of the app: what is for one of its sites is answered here.

import { ZerohopError } from '../base/index.ts';
import {
  answerControl,
  controlPath,
  openRenderer,
  PageStore,
  Pages,
  PagesControl,
  type PagesMeters,
  PageUpkeep,
  Preload,
  prepareRenderer,
  RemotePurges,
  type Renderer,
  readPages,
  SharedState,
  type Site,
  samplePages,
  WarmUps,
} from '../pages/index.ts';
import type { HttpRequest, HttpStep, Next } from '../protocols/http/index.ts';
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
  const preload = new Preload({ store: pages.store, log });
  const warmUps = primary ? new WarmUps({ pages, preload, folder, log }) : undefined;
  const purges = primary ? new RemotePurges(pages.store, log) : undefined;
  const control = new PagesControl(pages, warmUps);
  pagesOf.set(node, control);
  samplePages(meters, pages, upkeep && warmUps && { upkeep, warmUps });
  upkeep?.start();
  purges?.start();
  warmUps?.start();
  preload.start();
  return {
    step: {
      name: 'pages',
      before: 'authentication',
      atOnce: (raw, url) => pages.atOnce(raw, url),
      handle(request: HttpRequest, next) {
        if (request.url.startsWith(controlPath) && request.pathname === controlPath)
          return identified(request, () => answerControl(control, request));
        if (request.method === 'PURGE') return identified(request, () => pages.handle(request) ?? next(request));
        return pages.handle(request) ?? notOurs(sites, request, next);
      },
    },
    control,
    close() {
      upkeep?.stop();
      purges?.stop();
      warmUps?.close();
      preload.stop();
      pages.store.close();
      void own?.close();
    },
  };
}

/** What is for no site is for the rest of the app. Where that has nothing either, it may be a site that is meant: its name is one away, or missing. */
function notOurs(sites: readonly Site[], request: HttpRequest, next: Next): Response | Promise<Response> {
  const explain = (error: unknown): never => {
    const isNobodys = error instanceof ZerohopError && error.code === 'NOT_FOUND' && request.route === undefined;
    if (!isNobodys) throw error;
    throw new ZerohopError('NOT_FOUND', `${error.message} ${siteText(sites, request.host)}`, error.fields);
  };
  try {
    const answered = next(request);
    return answered instanceof Promise ? answered.catch(explain) : answered;
  } catch (error) {
    return explain(error);
  }
}

/** Sites that are named in a message. */
const namedSites = 5;

function siteText(sites: readonly Site[], host: string): string {
  const names = sites
    .map(({ id }) => id)
    .toSorted()
    .slice(0, namedSites);
  const more = sites.length > namedSites ? ` and ${sites.length - namedSites} more` : '';
  return `The page cache has no site for it under the host ${host.slice(0, 100)}: it has ${names.join(', ')}${more}. Ask by that name, or add a site to "pages" in config.yaml.`;
}

/** These come before the step that finds out who is asking: pages are for everybody. */
async function identified(request: HttpRequest, then: () => Response | Promise<Response>): Promise<Response> {
  await request.identify();
  return then();
}
