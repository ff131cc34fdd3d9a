// Flags, environment and file, as one frozen configuration; every key with its type, default and description.

export { changeSettings } from './change-settings.ts';
export { type Route, readAddress, replicationPort } from './cluster-kinds.ts';
export { type Config, type NamedKey, namedKeys } from './keys.ts';
export { type ConfigSources, loadConfig } from './load.ts';
