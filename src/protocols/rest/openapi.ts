// The OpenAPI 3.1 description of everything that is published: `GET /openapi`.

import type { Json, JsonObject } from '../../base/index.ts';
import { allowedVerbs, ownMethod, type Registry, type ResourceClass, type Verb } from '../../resources/index.ts';
import type { TableDefinition } from '../../schema/index.ts';
import { accessTo, type TableGrants, type User } from '../../security/index.ts';
import type { Databases } from '../../tables/index.ts';
import { extensions } from '../http/index.ts';
import { sharedSchemas, tableSchema } from './openapi-schemas.ts';

/** @param user who asks: tables they may do nothing with are left out, and attributes they may neither read nor write */
export function openApi(registry: Registry, databases: Databases, user: User | null): JsonObject {
  const grants = accessTo(databases).grants(user);
  const paths: Record<string, Json> = {};
  const schemas: Record<string, Json> = {};
  const tags: Json[] = [];
  for (const [path, { resource, exportTypes }] of registry.entries()) {
    if (resource.hidden || exportTypes.rest === false) continue;
    const whole = tableOf(resource, databases);
    const table = whole && knownPart(whole, grants.on(whole));
    if (whole && !table && !answersByItself(resource)) continue;
    tags.push({
      name: tagName(path),
      description: resource.description ?? table?.description ?? `Served at /${path}.`,
    });
    if (table) {
      schemas[schemaName(path)] = tableSchema(table);
      Object.assign(paths, tablePaths(path, table, resource));
    } else Object.assign(paths, resourcePaths(path, resource));
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Zerohop application',
      version: '1.0.0',
      description: `Tables and endpoints of this node. ${queryHelp}`,
      license: { name: 'As the application says', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'This node' }],
    security: [{}, { basic: [] }, { bearer: [] }],
    tags,
    paths,
    components: {
      schemas: { ...usedShared(paths, schemas), ...schemas },
      responses: {
        Problem: {
          description: 'What went wrong.',
          content: { 'application/problem+json': { schema: ref('Problem') } },
        },
      },
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}

/** What of a table somebody may know of; undefined: nothing. */
function knownPart(table: TableDefinition, grants: TableGrants): TableDefinition | undefined {
  const allowed = [grants.read, grants.insert, grants.update, grants.delete].filter((grant) => grant.allowed);
  if (allowed.length === 0) return undefined;
  const named = [grants.read, grants.insert, grants.update].filter((grant) => grant.allowed);
  if (named.some(({ attributes }) => attributes === null)) return table;
  const isKnown = (name: string) => name === table.primaryKey || named.some(({ attributes }) => attributes?.has(name));
  return { ...table, attributes: table.attributes.filter(({ name }) => isKnown(name)) };
}

/** Whether code of the app answers some verb of the class. */
function answersByItself(resource: ResourceClass): boolean {
  return (['get', 'put', 'patch', 'post', 'delete'] as const).some((verb) => ownMethod(resource, verb) !== undefined);
}

const queryHelp =
  'Collections take conditions joined by & or |: `price=lt=100&category=shoes`, with the operators =, ==, !=, =lt=, =le=, =gt=, =ge=, =ct=, ' +
  '=sw=, =ew=, groups in ( ) or [ ], and the functions `select(a,b)`, `sort(+a,-b)`, `limit(n)` or `limit(start,end)`.';

function tablePaths(path: string, table: TableDefinition, resource: ResourceClass): Record<string, Json> {
  const tag = tagName(path);
  const record = ref(schemaName(path));
  const has = verbCheck(resource);
  const conditions: Json = {
    name: 'conditions',
    in: 'query',
    description: 'Conditions and functions of the query language; without any, the description of the table.',
    style: 'form',
    explode: true,
    schema: { type: 'object', additionalProperties: { type: 'string' } },
  };
  const one = operationMaker(tag, path, 'one');
  const many = operationMaker(tag, path, 'many');
  const recordBody = body(record);
  return {
    [`/${path}`]: {
      ...(has('get') && {
        get: many('get', `Search ${table.name}`, {
          parameters: [conditions],
          responses: ok({ oneOf: [{ type: 'array', items: {} }, ref('TableDescription')] }, 'The records that match.'),
        }),
      }),
      ...(has('post') && {
        post: many('post', `Create a record of ${table.name}`, {
          requestBody: recordBody,
          responses: {
            '201': {
              description: 'Created.',
              headers: { Location: { description: 'Path of the record.', schema: { type: 'string' } } },
              content: content({ type: ['string', 'integer'] }),
            },
          },
        }),
      }),
      ...(has('put') && {
        put: many('put', `Create or replace records of ${table.name}`, {
          requestBody: body({ type: 'array', items: record }),
          responses: written,
        }),
      }),
      ...(has('delete') && {
        delete: many('delete', `Delete the records of ${table.name} that match`, {
          parameters: [conditions],
          responses: written,
        }),
      }),
    },
    [`/${path}/{id}`]: {
      parameters: [idParameter(table)],
      ...(has('get') && {
        get: one('get', `Read a record of ${table.name}`, {
          parameters: [header('If-None-Match', 'Entity tags the client has.')],
          responses: {
            '200': {
              description: 'The record.',
              headers: { ETag: { description: 'Its version.', schema: { type: 'string' } } },
              content: content(record),
            },
            '304': { description: 'The client has it.' },
          },
        }),
      }),
      ...(has('put') && {
        put: one('put', `Create or replace a record of ${table.name}`, {
          parameters: preconditions,
          requestBody: recordBody,
          responses: written,
        }),
      }),
      ...(has('patch') && {
        patch: one('patch', `Change attributes of a record of ${table.name}`, {
          parameters: preconditions,
          requestBody: body({
            type: 'object',
            description: 'Attributes to set; `{"$add": 1}` counts.',
            additionalProperties: true,
          }),
          responses: written,
        }),
      }),
      ...(has('delete') && {
        delete: one('delete', `Delete a record of ${table.name}`, { parameters: preconditions, responses: written }),
      }),
    },
  };
}

function resourcePaths(path: string, resource: ResourceClass): Record<string, Json> {
  const names = path.split('/').flatMap((segment) => paramName(segment) ?? []);
  const template = `/${path
    .split('/')
    .map((segment) => (paramName(segment) ? `{${paramName(segment)}}` : segment))
    .join('/')}`;
  const parameters = names.map(pathParameter);
  const whole = operations(path, resource, 'all');
  if (names.length > 0) return { [template]: { parameters, ...whole } };
  const below = template === '/' ? '/{id}' : `${template}/{id}`;
  return { [template]: whole, [below]: { parameters: [pathParameter('id')], ...operations(path, resource, 'below') } };
}

function operations(path: string, resource: ResourceClass, kind: string): Record<string, Json> {
  const make = operationMaker(tagName(path), path, kind);
  const has = verbCheck(resource);
  const takesBody: readonly Verb[] = ['put', 'patch', 'post'];
  const verbs: readonly Verb[] = ['get', 'put', 'patch', 'post', 'delete'];
  return Object.fromEntries(
    verbs.filter(has).map((verb) => [
      verb,
      make(verb, `${verb.toUpperCase()} ${path || '/'}`, {
        ...(resource.description !== undefined && { description: resource.description }),
        ...(takesBody.includes(verb) && { requestBody: body({}) }),
        responses: { ...ok({}, 'What the endpoint returns.'), '204': { description: 'Done; nothing to return.' } },
      }),
    ]),
  );
}

function verbCheck(resource: ResourceClass): (verb: Verb) => boolean {
  const verbs = allowedVerbs(resource);
  return (verb) => verbs.includes(verb);
}

interface Operation {
  readonly description?: string;
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: JsonObject;
}

/** Every operation may fail; ids are unique in the document. */
function operationMaker(tag: string, path: string, kind: string) {
  return (verb: Verb, summary: string, { responses, ...rest }: Operation): Json => ({
    operationId: `${verb}_${kind}_${path.replaceAll(/\W+/g, '_')}`,
    summary,
    tags: [tag],
    ...rest,
    responses: { ...responses, '4XX': problem, '5XX': problem },
  });
}

const problem: Json = { $ref: '#/components/responses/Problem' };
const written: JsonObject = { '204': { description: 'Written.' } };
const preconditions: readonly Json[] = [
  header('If-Match', 'Only if the record has one of these entity tags; checked at commit.'),
  header('If-None-Match', '`*`: only if there is no such record; checked at commit.'),
];

function header(name: string, description: string): Json {
  return { name, in: 'header', description, schema: { type: 'string' } };
}

function ok(schema: JsonObject, description: string): JsonObject {
  return { '200': { description, content: content(schema) } };
}

function body(schema: JsonObject): Json {
  return { required: true, content: content(schema) };
}

function content(schema: JsonObject): JsonObject {
  return Object.fromEntries([...new Set(Object.values(extensions))].map((type) => [type, { schema }]));
}

function idParameter(table: TableDefinition): Json {
  const key = table.attributes.find(({ name }) => name === table.primaryKey);
  const isNumber = key?.type.kind === 'scalar' && (key.type.scalar === 'Int' || key.type.scalar === 'Long');
  return {
    name: 'id',
    in: 'path',
    required: true,
    description: 'Primary key.',
    schema: { type: isNumber ? 'integer' : 'string' },
  };
}

function pathParameter(name: string): Json {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function paramName(segment: string): string | undefined {
  return segment.startsWith(':') || segment.startsWith('*') ? segment.slice(1) || 'wildcard' : undefined;
}

function ref(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

function schemaName(path: string): string {
  return path.replaceAll(/[^\w.-]+/g, '_') || 'root';
}

function tagName(path: string): string {
  return path || '/';
}

function tableOf(resource: ResourceClass, databases: Pick<Databases, 'table'>): TableDefinition | undefined {
  if (resource.databaseName === undefined || resource.tableName === undefined) return undefined;
  return databases.table(resource.databaseName, resource.tableName)?.definition;
}

/** Shared schemas something refers to. */
function usedShared(paths: Json, schemas: Json): JsonObject {
  const text = JSON.stringify([paths, schemas]);
  return Object.fromEntries(
    Object.entries(sharedSchemas).filter(
      ([name]) => name === 'Problem' || text.includes(`#/components/schemas/${name}"`),
    ),
  );
}
