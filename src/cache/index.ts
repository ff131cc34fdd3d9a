export { CachedTables, type CacheOptions } from './cached-tables.ts';
