// A table as one object: its definition, how its records are encoded and decoded, its computed attributes. The same object stays for as long as
// the table exists; a schema change gives it a new definition.

import { assert, type Json, type JsonObject, ZerohopError } from '../base/index.ts';
import {
  type Compute,
  compileDecoder,
  compileEncoder,
  computedExpressions,
  computeValue,
  type Id,
  indexedComputed,
  parseIdText,
} from '../records/index.ts';
import type { Attribute, TableDefinition } from '../schema/index.ts';
import type { CatalogEntry } from '../storage/index.ts';
import type { DatabaseReader } from './reader.ts';
import type { CachedRecord } from './record-cache.ts';
import type { StoredRecord, Table } from './types.ts';

export class LiveTable implements Table {
  readonly reader: DatabaseReader;
  #entry: CatalogEntry;
  #codec: Codec;
  /** Set by code, for bare @computed attributes. */
  readonly #functions = new Map<string, Compute>();

  constructor(reader: DatabaseReader, entry: CatalogEntry) {
    this.reader = reader;
    this.#entry = entry;
    this.#codec = compile(entry.definition);
  }

  get entry(): CatalogEntry {
    return this.#entry;
  }

  get definition(): TableDefinition {
    return this.#entry.definition;
  }

  get encoder(): ReturnType<typeof compileEncoder> {
    return this.#codec.encoder;
  }

  /** Whether an indexed computed attribute is a function of the app, which the store can't call. */
  get indexNeedsApp(): boolean {
    return this.#codec.needsApp;
  }

  /** Takes on a changed definition. */
  redefine(entry: CatalogEntry): void {
    this.#entry = entry;
    this.#codec = compile(entry.definition);
  }

  recordCount(): number {
    return this.reader.count(this.#entry);
  }

  parseId(text: string): Id {
    return parseIdText(this.definition, text);
  }

  decode(record: StoredRecord): Readonly<Record<string, unknown>> {
    const cached: CachedRecord | undefined = 'row' in record ? (record as CachedRecord) : undefined;
    if (cached?.decoded) return cached.decoded;
    const decoded = this.#codec.decode(record.body);
    if (cached) cached.decoded = decoded;
    return decoded;
  }

  setComputed(attribute: string, compute: Compute): void {
    if (!this.definition.attributes.some(({ name, computed }) => name === attribute && computed)) {
      throw new ZerohopError(
        'UNKNOWN_ATTRIBUTE',
        `${this.definition.name} has no @computed attribute "${attribute}". Declare it in the schema first.`,
        { attribute },
      );
    }
    this.#functions.set(attribute, compute);
  }

  compute(attribute: string, record: Readonly<Record<string, unknown>>): Json {
    const compute = this.#codec.expressions.get(attribute) ?? this.#functions.get(attribute);
    if (!compute) {
      throw new ZerohopError(
        'APPLICATION_ERROR',
        `The computed attribute ${this.definition.name}.${attribute} has no function. Call setComputedAttribute('${attribute}', ...) when the app loads.`,
      );
    }
    return computeValue(this.definition, this.#attribute(attribute), compute, record);
  }

  #attribute(name: string): Attribute {
    const attribute = this.definition.attributes.find((candidate) => candidate.name === name);
    assert(attribute, `${this.definition.name} has no attribute ${name}`);
    return attribute;
  }

  /**
   * What the store keeps beside a record for its indexes; undefined when there is nothing.
   * @param lenient values that can't be computed are null; else the first throws APPLICATION_ERROR
   */
  indexedValues(body: string, lenient = false): JsonObject | undefined {
    const { computedIndexed } = this.#codec;
    if (computedIndexed.length === 0) return undefined;
    const record = this.#codec.decode(body);
    return Object.fromEntries(computedIndexed.map(({ name }) => [name, this.#indexedValue(name, record, lenient)]));
  }

  #indexedValue(attribute: string, record: Readonly<Record<string, unknown>>, lenient: boolean): Json {
    try {
      return this.compute(attribute, record);
    } catch (error) {
      if (lenient && error instanceof ZerohopError) return null;
      throw error;
    }
  }
}

interface Codec {
  readonly encoder: ReturnType<typeof compileEncoder>;
  readonly decode: (body: string) => Readonly<Record<string, unknown>>;
  readonly computedIndexed: readonly Attribute[];
  readonly needsApp: boolean;
  readonly expressions: ReadonlyMap<string, Compute>;
}

function compile(definition: TableDefinition): Codec {
  const computedIndexed = indexedComputed(definition);
  const expressions = computedExpressions(definition);
  return {
    encoder: compileEncoder(definition),
    decode: compileDecoder(definition),
    computedIndexed,
    needsApp: computedIndexed.some(({ name }) => !expressions.has(name)),
    expressions,
  };
}
