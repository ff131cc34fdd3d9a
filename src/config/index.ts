export { type Config, type NamedKey, namedKeys } from './keys.ts';
export { type ConfigSources, loadConfig } from './load.ts';
