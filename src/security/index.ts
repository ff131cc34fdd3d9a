export { administrator, allow, demand, identifyByAddress, isLoopback, refusal } from './allow.ts';
export type { Action, Subject, User } from './types.ts';
