export { type RunningNode, type StartOptions, startNode } from './start.ts';
export { version } from './version.ts';
