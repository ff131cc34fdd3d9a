// Tables as JSON Schemas (the dialect of OpenAPI 3.1).

import type { Json, JsonObject } from '../../base/index.ts';
import type { Attribute, AttributeType, ScalarType, TableDefinition } from '../../schema/index.ts';

const scalars: Readonly<Record<ScalarType, JsonObject>> = {
  ID: { type: 'string' },
  String: { type: 'string' },
  Int: { type: 'integer', format: 'int32' },
  Long: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  Float: { type: 'number', format: 'double' },
  BigInt: { type: 'integer' },
  Boolean: { type: 'boolean' },
  Date: { type: 'string', format: 'date-time' },
  Bytes: { type: 'string', contentEncoding: 'base64' },
  Blob: { $ref: '#/components/schemas/BlobReference' },
  Any: {},
};

/** Of every document. */
export const sharedSchemas: JsonObject = {
  Problem: {
    type: 'object',
    description: 'RFC 9457 problem details.',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      code: { type: 'string', description: 'Stable; see docs/ERRORS.md.' },
      requestId: { type: 'string' },
    },
  },
  TableDescription: {
    type: 'object',
    required: ['records', 'name', 'database', 'attributes'],
    properties: {
      records: { type: 'string' },
      name: { type: 'string' },
      database: { type: 'string' },
      attributes: { type: 'array', items: { type: 'object' } },
    },
  },
  BlobReference: {
    type: 'object',
    description: 'Where the bytes are; they are at the path of the record followed by the name of the attribute.',
    required: ['$blob', 'size', 'type'],
    properties: { $blob: { type: 'string' }, size: { type: 'integer' }, type: { type: 'string' } },
  },
};

export function tableSchema(definition: TableDefinition): JsonObject {
  const shown = definition.attributes.filter(({ hidden }) => !hidden);
  const required = shown.filter((attribute) => attribute.required && !isOwn(attribute)).map(({ name }) => name);
  return {
    type: 'object',
    ...(definition.description !== undefined && { description: definition.description }),
    properties: Object.fromEntries(shown.map((attribute) => [attribute.name, attributeSchema(attribute)])),
    ...(required.length > 0 && { required }),
    additionalProperties: !definition.sealed,
  };
}

export function attributeSchema(attribute: Attribute): JsonObject {
  const base = typeSchema(attribute.type);
  const nullable = attribute.required || attribute.type.kind === 'relation' ? base : orNull(base);
  return {
    ...nullable,
    ...(attribute.description !== undefined && { description: attribute.description }),
    ...(isOwn(attribute) && { readOnly: true }),
  };
}

function typeSchema(type: AttributeType): JsonObject {
  switch (type.kind) {
    case 'scalar':
      return scalars[type.scalar];
    case 'list':
      return { type: 'array', items: type.itemRequired ? typeSchema(type.of) : orNull(typeSchema(type.of)) };
    case 'object':
      return {
        type: 'object',
        properties: Object.fromEntries(
          type.attributes.map((attribute) => [attribute.name, attributeSchema(attribute)]),
        ),
        additionalProperties: !type.sealed,
      };
    case 'relation': {
      const related: JsonObject = { type: 'object', description: `Of ${type.table}; only when selected.` };
      return type.many ? { type: 'array', items: related } : related;
    }
  }
}

function orNull(schema: JsonObject): JsonObject {
  if (typeof schema.type === 'string') return { ...schema, type: [schema.type, 'null'] };
  return '$ref' in schema ? { anyOf: [schema, { type: 'null' }] as Json } : schema;
}

/** Set by the runtime, not by callers. */
function isOwn({ computed, role, type }: Attribute): boolean {
  return computed !== undefined || role === 'createdTime' || role === 'updatedTime' || type.kind === 'relation';
}
