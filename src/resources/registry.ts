// Which resource answers which path. Paths form a tree of segments; at each segment a literal beats ':name', which beats
// '*name', which beats being below a shorter registered path. Matching is case-sensitive.

import { ZerohopError } from '../base/index.ts';
import type { Databases } from '../tables/index.ts';
import type { ExportTypes, Match, ResourceClass } from './types.ts';

export interface RegistryEntry {
  readonly path: string;
  readonly resource: ResourceClass;
  readonly exportTypes: ExportTypes;
  /** Where it was registered from: a file's path, or 'server.resources.set'. */
  readonly source: string;
  /** What the schema publishes for a table: gives way to a class of the app that extends the table. */
  readonly isDefault: boolean;
  /** Names of the pattern's parameters, left to right. */
  readonly paramNames: readonly string[];
}

interface Branch {
  readonly literals: Map<string, Branch>;
  param: Branch | undefined;
  /** '*name': the rest of the path, at least one segment. */
  wildcard: RegistryEntry | undefined;
  entry: RegistryEntry | undefined;
}

export class Registry {
  readonly #databases: Pick<Databases, 'table'>;
  readonly #root: Branch = newBranch();
  readonly #entries = new Map<string, RegistryEntry>();

  /** @param databases where the tables behind resources are found */
  constructor(databases: Pick<Databases, 'table'>) {
    this.#databases = databases;
  }

  /** Publishes a resource. Throws INVALID_CONFIG when another one has the path already. '' or '/' is the root. */
  set(
    path: string,
    resource: ResourceClass,
    exportTypes: ExportTypes = {},
    source = 'server.resources.set',
    isDefault = false,
  ): void {
    const segments = segmentsOf(path);
    const name = segments.join('/');
    const paramNames = segments.flatMap((segment) => paramName(segment) ?? []);
    const entry: RegistryEntry = { path: name, resource, exportTypes, source, isDefault, paramNames };
    this.#plant(segments, entry);
    this.#entries.set(name, entry);
  }

  #plant(segments: readonly string[], entry: RegistryEntry): void {
    let branch = this.#root;
    for (const [index, segment] of segments.entries()) {
      if (segment.startsWith('*')) {
        if (index < segments.length - 1) {
          throw new ZerohopError(
            'INVALID_CONFIG',
            `${entry.source}: in the path /${entry.path}, ${segment} must be the last segment.`,
          );
        }
        refuseSecond(branch.wildcard, entry);
        branch.wildcard = entry;
        return;
      }
      if (segment.startsWith(':')) {
        branch.param ??= newBranch();
        branch = branch.param;
      } else {
        const next = branch.literals.get(segment) ?? newBranch();
        branch.literals.set(segment, next);
        branch = next;
      }
    }
    refuseSecond(branch.entry, entry);
    branch.entry = entry;
  }

  get(path: string): RegistryEntry | undefined {
    return this.#entries.get(segmentsOf(path).join('/'));
  }

  has(path: string): boolean {
    return this.get(path) !== undefined;
  }

  entries(): IterableIterator<[string, RegistryEntry]> {
    return this.#entries.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, RegistryEntry]> {
    return this.entries();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The resource for the path of a URL (without its query), percent-encoded as it came; undefined when there is none. */
  match(pathname: string, exportType = 'rest'): Match | undefined {
    const values: string[] = [];
    const found = find(this.#root, pathname, 0, values);
    if (found === undefined || found.entry.exportTypes[exportType] === false) return undefined;
    const { entry } = found;
    return {
      resource: entry.resource,
      table: this.#tableOf(entry.resource),
      path: entry.path,
      relativeURL: pathname.slice(found.end),
      params: values.length === 0 ? noParams : paramsOf(entry, values),
      exportTypes: entry.exportTypes,
    };
  }

  /** `match`, by the name apps know. */
  getMatch(path: string, exportType = 'rest'): Match | undefined {
    return this.match(path.startsWith('/') ? path : `/${path}`, exportType);
  }

  #tableOf(resource: ResourceClass) {
    if (resource.databaseName === undefined || resource.tableName === undefined) return undefined;
    return this.#databases.table(resource.databaseName, resource.tableName);
  }
}

const noParams: Readonly<Record<string, string>> = Object.freeze({});

interface Found {
  readonly entry: RegistryEntry;
  /** Where in the path what follows the entry's own path starts. */
  readonly end: number;
}

/** The best entry for what follows position `at`, which is a '/' or the end. Pushes the values of parameters. */
function find(branch: Branch, path: string, at: number, values: string[]): Found | undefined {
  if (at < path.length - 1) {
    const slash = path.indexOf('/', at + 1);
    const end = slash === -1 ? path.length : slash;
    const segment = decodeSegment(path.slice(at + 1, end));
    const literal = branch.literals.get(segment);
    if (literal !== undefined) {
      const found = find(literal, path, end, values);
      if (found) return found;
    }
    if (branch.param !== undefined && segment !== '') {
      const depth = values.push(segment);
      const found = find(branch.param, path, end, values);
      if (found) return found;
      values.length = depth - 1;
    }
    if (branch.wildcard !== undefined) {
      values.push(
        path
          .slice(at + 1)
          .split('/')
          .map(decodeSegment)
          .join('/'),
      );
      return { entry: branch.wildcard, end: path.length };
    }
  }
  const { entry } = branch;
  if (entry === undefined) return undefined;
  // A pattern stands for whole paths, and so does the root, or nothing would ever be missing; a plain path also for all below it.
  const isWhole = at >= path.length - 1;
  const hasBelow = entry.paramNames.length === 0 && (entry.path !== '' || entry.resource.directURLMapping === true);
  return hasBelow || isWhole ? { entry, end: at } : undefined;
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ZerohopError('INVALID_REQUEST', `The path segment ${segment} is not valid percent-encoding.`);
  }
}

function paramsOf(entry: RegistryEntry, values: readonly string[]): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [index, name] of entry.paramNames.entries()) params[name] = values[index] ?? '';
  return params;
}

function paramName(segment: string): string | undefined {
  if (segment.startsWith(':')) return segment.slice(1);
  if (segment.startsWith('*')) return segment.slice(1) || 'wildcard';
  return undefined;
}

function segmentsOf(path: string): string[] {
  return path
    .replace(/^\/+|\/+$/g, '')
    .split('/')
    .filter((segment, _, all) => segment !== '' || all.length > 1);
}

function refuseSecond(first: RegistryEntry | undefined, second: RegistryEntry): void {
  if (first === undefined || first.resource === second.resource) return;
  if (first.isDefault && isSameTable(first.resource, second.resource)) return;
  const where =
    first.source === second.source ? `twice in ${first.source}` : `by ${first.source} and by ${second.source}`;
  throw new ZerohopError(
    'INVALID_CONFIG',
    `The path /${second.path} is published ${where}. Remove one of them; only a class that extends the table takes the place of what its @export publishes.`,
  );
}

function isSameTable(one: ResourceClass, other: ResourceClass): boolean {
  return one.tableName === other.tableName && one.databaseName === other.databaseName;
}

function newBranch(): Branch {
  return { literals: new Map(), param: undefined, wildcard: undefined, entry: undefined };
}
