// Directives of the schema language: which there are, what arguments they take, and how to read them. Anything else is
// refused where it stands.

import {
  type ASTNode,
  type ConstArgumentNode,
  type ConstDirectiveNode,
  getLocation,
  Kind,
} from 'graphql/language/index.js';
import { nearest, ZerohopError } from '../base/index.ts';

export const typeDirectives = {
  table: ['table', 'database', 'expiration', 'eviction', 'scanInterval', 'replicate', 'replicateTo', 'audit'],
  export: ['name'],
  sealed: [],
  hidden: [],
} as const;

export const fieldDirectives = {
  primaryKey: [],
  indexed: [],
  unique: [],
  fulltext: [],
  createdTime: [],
  updatedTime: [],
  expiresAt: [],
  computed: ['from', 'version'],
  relationship: ['from', 'to'],
  hidden: [],
} as const;

/** A directive as written: its node, for messages, and its arguments by name. */
export interface Directive {
  readonly node: ConstDirectiveNode;
  readonly arguments: ReadonlyMap<string, ConstArgumentNode>;
}

/** An INVALID_SCHEMA error that starts with the place of `node`: `file:line:column: `. */
export function schemaError(node: ASTNode, message: string): ZerohopError {
  if (!node.loc) return new ZerohopError('INVALID_SCHEMA', message);
  const { source, start } = node.loc;
  const { line, column } = getLocation(source, start);
  return new ZerohopError('INVALID_SCHEMA', `${source.name}:${line}:${column}: ${message}`, {
    file: source.name,
    line,
    column,
  });
}

/** Reads the directives of a type or field; those not in `known`, repeated ones and unknown arguments are refused. */
export function readDirectives<Name extends string>(
  nodes: readonly ConstDirectiveNode[] | undefined,
  known: Readonly<Record<Name, readonly string[]>>,
): ReadonlyMap<Name, Directive> {
  const directives = new Map<Name, Directive>();
  for (const node of nodes ?? []) {
    const name = node.name.value;
    if (name === 'embed') throw schemaError(node, '@embed is not supported yet.');
    if (!isKnown(name, known)) throw schemaError(node, unknownDirective(name, known));
    if (directives.has(name)) throw schemaError(node, `@${name} is given twice.`);
    directives.set(name, { node, arguments: readArguments(node, known[name]) });
  }
  return directives;
}

/** The text of an argument written as a string or, where `bare`, also as a bare name. */
export function stringArgument(directive: Directive | undefined, name: string, bare = false): string | undefined {
  const value = directive?.arguments.get(name)?.value;
  if (!value) return undefined;
  if (value.kind === Kind.STRING) return value.value;
  if (bare && value.kind === Kind.ENUM) return value.value;
  throw schemaError(value, `The argument "${name}" takes a string in quotes.`);
}

export function numberArgument(directive: Directive | undefined, name: string): number | undefined {
  const value = directive?.arguments.get(name)?.value;
  if (!value) return undefined;
  if (value.kind === Kind.INT || value.kind === Kind.FLOAT) return Number(value.value);
  throw schemaError(value, `The argument "${name}" takes a number.`);
}

export function booleanArgument(directive: Directive | undefined, name: string): boolean | undefined {
  const value = directive?.arguments.get(name)?.value;
  if (!value) return undefined;
  if (value.kind === Kind.BOOLEAN) return value.value;
  throw schemaError(value, `The argument "${name}" takes true or false.`);
}

function readArguments(node: ConstDirectiveNode, allowed: readonly string[]): ReadonlyMap<string, ConstArgumentNode> {
  const found = new Map<string, ConstArgumentNode>();
  for (const argument of node.arguments ?? []) {
    const name = argument.name.value;
    if (node.name.value === 'indexed') {
      throw schemaError(argument, `@indexed(${name}: ...) is not supported yet: there are no vector indexes.`);
    }
    if (!allowed.includes(name)) {
      const rule = allowed.length === 0 ? 'It takes none.' : `Allowed: ${allowed.join(', ')}.`;
      throw schemaError(argument, `@${node.name.value} has no argument "${name}". ${rule}`);
    }
    if (found.has(name)) throw schemaError(argument, `The argument "${name}" is given twice.`);
    found.set(name, argument);
  }
  return found;
}

function isKnown<Name extends string>(name: string, known: Readonly<Record<Name, unknown>>): name is Name {
  return Object.hasOwn(known, name);
}

function unknownDirective(name: string, known: object): string {
  const allowed = Object.keys(known).map((known) => `@${known}`);
  if (Object.hasOwn(fieldDirectives, name)) return `@${name} belongs on a field of a @table type.`;
  if (Object.hasOwn(typeDirectives, name)) return `@${name} belongs on a type.`;
  const near = nearest(name, Object.keys(known));
  const hint = near === undefined ? '' : ` Did you mean @${near}?`;
  return `Unknown directive @${name}.${hint} Allowed here: ${allowed.join(', ')}.`;
}
