// The module apps import: `import { tables, Resource } from 'zerohop'`. Also known as 'harperdb' and 'harper'.

import { appApi } from './components/index.ts';
import type { AppTables, TableClass } from './resources/index.ts';

/** The tables of the database `data`. Declared by the file `zerohop types` writes. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declarations of the app
export interface Tables {}

/** Tables of other databases. Declared by the file `zerohop types` writes. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declarations of the app
export interface Databases {}

/** As declared; without declarations, any name is an untyped table. */
type DeclaredTables = keyof Tables extends never ? AppTables : Tables;
type DeclaredDatabases = { readonly data: DeclaredTables } & (keyof Databases extends never
  ? Readonly<Record<string, AppTables>>
  : Databases);

export const tables = appApi.tables as unknown as DeclaredTables;
export const databases = appApi.databases as unknown as DeclaredDatabases;
export const { config, contentTypes, logger, pages, resources, server } = appApi;

export type { Span } from './base/index.ts';
export {
  type BlobData,
  type Context,
  createBlob,
  ExtendedIterable,
  getContext,
  getResponse,
  getUser,
  type HttpMiddleware,
  type QueryCondition,
  type QueryObject,
  type QuerySelect,
  type QuerySort,
  type RecordOf,
  RequestTarget,
  Resource,
  type Results,
  trace,
  traceHeaders,
  transaction,
  type Updatable,
} from './resources/index.ts';
export type { User } from './security/index.ts';
export type { Transaction } from './tables/index.ts';
export type { TableClass };
