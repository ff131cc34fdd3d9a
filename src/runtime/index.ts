export { operationsSocketIn } from './data-folder.ts';
export { startNode } from './start.ts';
export type { RunningNode, StartOptions } from './types.ts';
export { version } from './version.ts';
