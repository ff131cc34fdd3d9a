export { PageStore } from './page-store.ts';
export { Pages, type PagesOptions } from './pages.ts';
export { type PurgeOrder, purge } from './purge.ts';
export { type PagesSettings, readPages } from './settings.ts';
export { SharedState, sharedStateBytes } from './shared-state.ts';
export type { OutageMode } from './shield.ts';
export type { PageRequest, Site } from './types.ts';
export { PageUpkeep } from './upkeep.ts';
