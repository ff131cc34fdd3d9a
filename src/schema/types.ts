// What tables and attributes are. Built by parse-sdl.ts from schema.graphql, or by operations; kept as JSON in each
// database's catalog.

export const scalarTypes = [
  'ID',
  'String',
  'Int',
  'Long',
  'Float',
  'BigInt',
  'Boolean',
  'Date',
  'Bytes',
  'Blob',
  'Any',
] as const;
export type ScalarType = (typeof scalarTypes)[number];

export type AttributeType =
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  /** `[T]`; `itemRequired` for `[T!]`. */
  | { readonly kind: 'list'; readonly of: AttributeType; readonly itemRequired: boolean }
  /** A named type without @table: a nested object. */
  | {
      readonly kind: 'object';
      readonly name: string;
      readonly attributes: readonly Attribute[];
      readonly sealed: boolean;
    }
  /** A relationship to another table of the same database: virtual, never stored. */
  | { readonly kind: 'relation'; readonly table: string; readonly many: boolean };

/** What the runtime does with an attribute by itself. */
export type AttributeRole = 'createdTime' | 'updatedTime' | 'expiresAt';

export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  /** `T!`: may be neither missing nor null. */
  readonly required: boolean;
  readonly indexed: boolean;
  readonly unique: boolean;
  readonly fulltext: boolean;
  readonly role?: AttributeRole;
  /** `from`: a JS expression over the record's attributes; absent when code sets the function. Bumping `version` re-indexes. */
  readonly computed?: { readonly from?: string; readonly version: number };
  /** Attribute names: `from` in this table, `to` in the target; an absent one means the primary key. */
  readonly relationship?: { readonly from?: string; readonly to?: string };
  readonly hidden: boolean;
  readonly description?: string;
}

export interface TableDefinition {
  readonly database: string;
  readonly name: string;
  /** Name of the primary key attribute; always among `attributes`. */
  readonly primaryKey: string;
  readonly attributes: readonly Attribute[];
  readonly sealed: boolean;
  /** All in ms. Absent: records do not expire. */
  readonly expirationMs?: number;
  readonly evictionMs?: number;
  readonly scanIntervalMs?: number;
  /** Its records come from a source: of one that has been here for too long, what it is found by stays. Once true it stays true. */
  readonly sourced?: true;
  readonly replicate: boolean;
  /** How many nodes of a cluster hold each record; absent: all. */
  readonly copies?: number;
  /** Which nodes these are, by the record's id or the record: the text of a function, see residency.ts. Empty: whichever; absent: as before. */
  readonly residency?: string;
  readonly audit: boolean;
  /** Path segment it is published under; absent: not published. */
  readonly exportName?: string;
  readonly hidden: boolean;
  readonly description?: string;
}

export interface Schema {
  readonly tables: readonly TableDefinition[];
}
