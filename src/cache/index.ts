// Tables whose records come from elsewhere: when a copy is fresh, who fetches it, and what is served when that fails.

export { CachedTables, type CacheOptions } from './cached-tables.ts';
