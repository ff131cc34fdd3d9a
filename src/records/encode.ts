// Records and patches from callers → what the store takes: checked against the schema, completed, as JSON text. What can be
// decided from the definition alone is decided once, in `compileEncoder`.

import { type Json, type JsonObject, limits, stringifyExact, ZerohopError } from '../base/index.ts';
import type { Attribute, TableDefinition } from '../schema/index.ts';
import { encodeId, newId } from './id.ts';
import type { Id, Patch } from './types.ts';
import { type Converter, converterOf, Misfit, plainObject, toAny } from './values.ts';

export interface EncodeOptions {
  /** Where the record is written to; absent: its own primary key, or a new one. */
  readonly id?: Id | undefined;
  readonly nowMs: number;
  /** Ms since 1970 or null for never; goes before the record's own @expiresAt and the table's expiration. */
  readonly expires?: number | null | undefined;
  /** When it was changed where it comes from; undefined: now. */
  readonly updatedMs?: number | undefined;
}

export interface EncodedRecord {
  /** Null: the store assigns it and puts it at the start of the body, which has no primary key. */
  readonly id: Id | null;
  /** JSON text, the primary key first, then what was given in its order, then the times kept by the runtime. */
  readonly body: string;
  /** Ms since 1970, or null for never. */
  readonly expires: number | null;
}

export interface PatchEncodeOptions {
  /** Of the record that is changed. */
  readonly id: Id;
  readonly nowMs: number;
  readonly expires?: number | null | undefined;
  /** Numbers to add to attributes. */
  readonly add?: Readonly<Record<string, number>> | undefined;
}

export interface EncodedPatch {
  readonly patch: Patch;
  /** Undefined: the record keeps what it has. */
  readonly expires: number | null | undefined;
}

/** Throws VALIDATION_FAILED naming table and attribute, INVALID_ID or BODY_TOO_LARGE. */
export interface RecordEncoder {
  encode(input: Readonly<Record<string, unknown>>, options: EncodeOptions): EncodedRecord;
  patch(changes: Readonly<Record<string, unknown>>, options: PatchEncodeOptions): EncodedPatch;
}

export function compileEncoder(definition: TableDefinition): RecordEncoder {
  const plan = planOf(definition);
  return {
    encode: (input, options) => encode(plan, input, options),
    patch: (changes, options) => encodePatch(plan, changes, options),
  };
}

/** What a computed attribute's function returned, as JSON; undefined and NaN are null. Throws VALIDATION_FAILED. */
export function encodeComputed(definition: TableDefinition, attribute: Attribute, value: unknown): Json {
  if (value === undefined || value === null || Number.isNaN(value)) return null;
  try {
    return converterOf(attribute.type)(value);
  } catch (error) {
    throw refusal(definition, attribute.name, error);
  }
}

/** What to do with a property of that name. `given`: checked and stored. `own`: the runtime's business, not taken from callers. */
interface Field {
  readonly use: 'given' | 'key' | 'own';
  readonly required: boolean;
  readonly convert: Converter;
}

interface Plan {
  readonly definition: TableDefinition;
  readonly fields: ReadonlyMap<string, Field>;
  readonly required: readonly string[];
  /** `{"id":` */
  readonly start: string;
  /** Attributes that hold the time of a write, and how they hold it. */
  readonly created: TimeField | undefined;
  readonly updated: TimeField | undefined;
  readonly expiresAt: string | undefined;
}

interface TimeField {
  readonly name: string;
  readonly isDate: boolean;
}

function planOf(definition: TableDefinition): Plan {
  const { attributes, primaryKey } = definition;
  const fields = new Map<string, Field>();
  for (const attribute of attributes) {
    const { name, type, required } = attribute;
    const use = name === primaryKey ? 'key' : isOwn(attribute) ? 'own' : 'given';
    fields.set(name, { use, required: required && use === 'given', convert: converterOf(type) });
  }
  return {
    definition,
    fields,
    required: [...fields].flatMap(([name, field]) => (field.required ? [name] : [])),
    start: `{${JSON.stringify(primaryKey)}:`,
    created: timeField(attributes, 'createdTime'),
    updated: timeField(attributes, 'updatedTime'),
    expiresAt: attributes.find(({ role }) => role === 'expiresAt')?.name,
  };
}

function isOwn({ type, role, computed }: Attribute): boolean {
  return type.kind === 'relation' || computed !== undefined || role === 'createdTime' || role === 'updatedTime';
}

function timeField(attributes: readonly Attribute[], role: Attribute['role']): TimeField | undefined {
  const attribute = attributes.find((attribute) => attribute.role === role);
  if (!attribute) return undefined;
  return { name: attribute.name, isDate: attribute.type.kind === 'scalar' && attribute.type.scalar === 'Date' };
}

function encode(plan: Plan, input: Readonly<Record<string, unknown>>, options: EncodeOptions): EncodedRecord {
  const { definition, created, updated, expiresAt } = plan;
  const source = sourceOf(definition, input);
  const record = convertAll(plan, source);
  for (const name of plan.required) {
    if (!Object.hasOwn(record, name)) throw missing(definition, name);
  }
  if (created) record[created.name] = timeValue(created, options.nowMs);
  if (updated) record[updated.name] = timeValue(updated, options.updatedMs ?? options.nowMs);
  const id = idOf(definition, source, options.id) ?? newId(definition);
  const rest = stringifyExact(record);
  const body = id === null ? rest : `${plan.start}${JSON.stringify(id)}${rest === '{}' ? '}' : `,${rest.slice(1)}`}`;
  if (body.length * 3 > limits.recordBytes && Buffer.byteLength(body) > limits.recordBytes) {
    throw new ZerohopError(
      'BODY_TOO_LARGE',
      `The record of ${definition.name} has ${Buffer.byteLength(body)} bytes; at most ${limits.recordBytes} are possible. Put large content into a Blob.`,
      { table: definition.name },
    );
  }
  const { expirationMs } = definition;
  const expires =
    options.expires !== undefined
      ? options.expires
      : ((expiresAt === undefined ? undefined : expiryOf(record[expiresAt])) ??
        (expirationMs === undefined ? null : options.nowMs + expirationMs));
  return { id, body, expires };
}

function encodePatch(
  plan: Plan,
  changes: Readonly<Record<string, unknown>>,
  options: PatchEncodeOptions,
): EncodedPatch {
  const { definition, updated, expiresAt } = plan;
  const source = sourceOf(definition, changes);
  idOf(definition, source, options.id);
  const set = convertAll(plan, source);
  const add = options.add ?? {};
  for (const [name, amount] of Object.entries(add)) checkAddition(plan, name, amount, set);
  if (updated) set[updated.name] = timeValue(updated, options.nowMs);
  const { expirationMs } = definition;
  let expires = options.expires;
  if (expires === undefined && expiresAt !== undefined && Object.hasOwn(set, expiresAt)) {
    expires = expiryOf(set[expiresAt]) ?? (expirationMs === undefined ? null : options.nowMs + expirationMs);
  }
  return { patch: { set, add }, expires };
}

function sourceOf(definition: TableDefinition, input: unknown): Readonly<Record<string, unknown>> {
  const source = plainObject(input);
  if (source && !(input instanceof Date)) return source;
  throw new ZerohopError('VALIDATION_FAILED', `A record of ${definition.name} is an object with attributes.`, {
    table: definition.name,
  });
}

/** The properties to store, without the primary key, converted, in their order. */
function convertAll(plan: Plan, source: Readonly<Record<string, unknown>>): Record<string, Json> {
  const { definition, fields } = plan;
  const record: Record<string, Json> = {};
  for (const name of Object.keys(source)) {
    const value = source[name];
    if (value === undefined) continue;
    const field = fields.get(name);
    if (field === undefined) {
      record[name] = convertUndeclared(definition, name, value);
    } else if (field.use === 'given') {
      if (value !== null) record[name] = convertOne(definition, name, field.convert, value);
      else if (field.required) throw missing(definition, name);
      else record[name] = null;
    }
  }
  return record;
}

function convertOne(definition: TableDefinition, name: string, convert: Converter, value: unknown): Json {
  try {
    return convert(value);
  } catch (error) {
    throw refusal(definition, name, error);
  }
}

function convertUndeclared(definition: TableDefinition, name: string, value: unknown): Json {
  if (definition.sealed || name === '__proto__') {
    const reason = definition.sealed ? 'is not declared, and the table is sealed' : 'is not possible as an attribute';
    throw new ZerohopError('VALIDATION_FAILED', `${definition.name}.${name} ${reason}.`, {
      table: definition.name,
      attribute: name,
    });
  }
  return convertOne(definition, name, toAny, value);
}

/** The record's id: `written` where the caller says so, else its own. They must not contradict each other. */
function idOf(
  definition: TableDefinition,
  source: Readonly<Record<string, unknown>>,
  written: Id | undefined,
): Id | undefined {
  const own = Object.hasOwn(source, definition.primaryKey) ? source[definition.primaryKey] : undefined;
  const id = written === undefined ? undefined : encodeId(definition, written);
  if (own === undefined || own === null) return id;
  if (id === undefined) return encodeId(definition, own);
  // A number in the body for text in the path, or the other way round, names the same record.
  const same = own === id || String(Array.isArray(own) ? encodeId(definition, own) : own) === String(id);
  if (same) return id;
  throw new ZerohopError(
    'INVALID_ID',
    `The record says ${definition.primaryKey} ${JSON.stringify(String(own))}, but it is written to ${JSON.stringify(id)}. Leave one out.`,
    { table: definition.name, attribute: definition.primaryKey },
  );
}

function timeValue(field: TimeField, ms: number): Json {
  return field.isDate ? new Date(ms).toISOString() : ms;
}

/** When a stored @expiresAt value says the record expires; undefined when it says nothing. */
function expiryOf(value: Json | undefined): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : value;
  return typeof ms === 'number' && ms >= 0 ? ms : undefined;
}

function checkAddition(plan: Plan, name: string, amount: number, set: JsonObject): void {
  const { definition, fields } = plan;
  const attribute = definition.attributes.find((attribute) => attribute.name === name);
  const scalar = attribute?.type.kind === 'scalar' ? attribute.type.scalar : undefined;
  const refuse = (reason: string) =>
    new ZerohopError('VALIDATION_FAILED', `${definition.name}.${name} ${reason}.`, {
      table: definition.name,
      attribute: name,
    });
  if (Object.hasOwn(set, name)) throw refuse('is both set and added to; do one of the two');
  if (attribute) {
    const isNumber = scalar === 'Int' || scalar === 'Long' || scalar === 'Float' || scalar === 'Any';
    if (!isNumber || fields.get(name)?.use !== 'given')
      throw refuse('can not be added to: it is no number kept in the record');
  } else {
    convertUndeclared(definition, name, amount);
  }
  const isWhole = scalar === 'Int' || scalar === 'Long';
  if (typeof amount !== 'number' || !(isWhole ? Number.isSafeInteger(amount) : Number.isFinite(amount))) {
    throw refuse(`can not be changed by ${String(amount)}; it takes ${isWhole ? 'an integer' : 'a finite number'}`);
  }
}

function missing(definition: TableDefinition, name: string): ZerohopError {
  return new ZerohopError('VALIDATION_FAILED', `${definition.name}.${name} is required and may not be null.`, {
    table: definition.name,
    attribute: name,
  });
}

function refusal(definition: TableDefinition, name: string, error: unknown): unknown {
  if (!(error instanceof Misfit)) return error;
  const path = error.path.reduceRight<string>(
    (path, step) => (typeof step === 'number' ? `${path}[${step}]` : `${path}.${step}`),
    name,
  );
  return new ZerohopError('VALIDATION_FAILED', `${definition.name}.${path} ${error.message}.`, {
    table: definition.name,
    attribute: path,
  });
}
