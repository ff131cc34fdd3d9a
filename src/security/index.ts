export { administrator, allow, demand, identifyByAddress, isLoopback } from './allow.ts';
export type { Action, Subject, User } from './types.ts';
