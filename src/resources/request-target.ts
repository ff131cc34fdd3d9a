// What a call is about, as app code sees it: the id, the path's parameters, the query. The query is parsed when it is first
// asked for, and by the schema of the table it is put to; what app code sets (`target.limit = 10`) wins over the URL.

import { ZerohopError } from '../base/index.ts';
import { parseQueryString, type Query, queryFromObject } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import type { Precondition } from '../store/index.ts';
import type { Table } from '../tables/index.ts';
import {
  objectFromQuery,
  type QueryCondition,
  type QueryObject,
  type QuerySelect,
  type QuerySort,
} from './query-object.ts';

export type { QueryCondition, QueryObject, QuerySelect, QuerySelectItem, QuerySort } from './query-object.ts';

export type TableLookup = (table: string) => TableDefinition | undefined;

/** What a target takes of a registry's match. */
export interface MatchedPath {
  readonly resource: { readonly directURLMapping?: boolean | undefined };
  readonly table: Table | undefined;
  readonly relativeURL: string;
  readonly params: Readonly<Record<string, string>>;
}

/** URLSearchParams without what means something else here: `sort`, a query's order, and `toString`, the whole target. */
interface Params extends Omit<URLSearchParams, 'sort' | 'toString'> {
  toString(): string;
}
const SearchParams: new (init?: string) => Params = URLSearchParams;

export class RequestTarget extends SearchParams {
  /** A path's parameter, by its name. */
  [param: string]: unknown;

  /** The path below the endpoint, percent-encoded: '/42'. */
  readonly pathname: string;
  /** The URL's query with its '?', or ''. */
  readonly search: string;
  /** Whether it is about the records below the path rather than the one at it: '/Product/?...'. */
  isCollection: boolean;
  /** Of `/Product/42.name`: 'name'. */
  property: string | undefined;
  /** Values of the path's ':name' and '*name'. */
  readonly params: Readonly<Record<string, string>>;
  /** Checked at commit when the record this is about is written: `If-Match` and its kin. */
  precondition: Precondition | undefined;
  /** Set false by app code that has decided about permission itself. */
  checkPermission: unknown;
  /** Whether answering took a call to a table's source. */
  loadedFromSource: boolean | undefined;

  #id: Id | undefined;
  #idText: string | undefined;
  #table: Table | undefined;
  #lookup: TableLookup | undefined;
  #set: QueryObject | undefined;

  /** @param url path below the endpoint with its query: '/42', '/?price=lt=10&limit(5)' */
  constructor(url = '/', params: Readonly<Record<string, string>> = noParams) {
    const mark = url.indexOf('?');
    super(mark === -1 ? undefined : url.slice(mark + 1));
    this.pathname = mark === -1 ? url : url.slice(0, mark);
    this.search = mark === -1 ? '' : url.slice(mark);
    this.params = params;
    const isPattern = Object.keys(params).length > 0;
    if (isPattern) this.#bindParams();
    this.isCollection = this.pathname.endsWith('/') && !isPattern;
    const text = this.pathname.replace(/^\/|\/$/g, '');
    if (text !== '') this.#idText = decodeIdText(text);
  }

  /** The target of a request the registry found a resource for. `search`: the URL's query with its '?', or ''. */
  static forMatch(match: MatchedPath, search: string, lookup?: TableLookup): RequestTarget {
    const target = new RequestTarget(match.relativeURL + search, match.params);
    if (match.resource.directURLMapping) {
      target.#idText = match.relativeURL.replace(/^\//, '') + search;
      target.isCollection = false;
      return target;
    }
    target.#table = match.table;
    target.#lookup = lookup;
    if (match.table !== undefined) {
      if (match.relativeURL === '' && search !== '') target.isCollection = true;
      target.#splitProperty(match.table);
    }
    return target;
  }

  #bindParams(): void {
    for (const [name, value] of Object.entries(this.params)) {
      if (name === 'id') this.#idText = value;
      else if (!(name in this)) this[name] = value;
    }
  }

  /** `/42.name` when the schema declares `name`; `/42/picture` when `picture` holds bytes. */
  #splitProperty(table: Table): void {
    const text = this.#idText;
    if (text === undefined || this.isCollection) return;
    const { attributes } = table.definition;
    const dot = text.lastIndexOf('.');
    if (dot > 0 && attributes.some(({ name }) => name === text.slice(dot + 1))) {
      this.#idText = text.slice(0, dot);
      this.property = text.slice(dot + 1);
      return;
    }
    const slash = text.lastIndexOf('/');
    if (slash <= 0) return;
    const last = attributes.find(({ name }) => name === text.slice(slash + 1));
    if (last?.type.kind === 'scalar' && (last.type.scalar === 'Blob' || last.type.scalar === 'Bytes')) {
      this.#idText = text.slice(0, slash);
      this.property = last.name;
    }
  }

  /** The record's id; of a table's endpoint, of its key's type. Undefined when the target names none. */
  get id(): Id | undefined {
    if (this.#id !== undefined) return this.#id;
    if (this.#idText === undefined) return undefined;
    if (this.isCollection || this.#table === undefined) return this.#idText;
    this.#id = this.#table.parseId(this.#idText);
    return this.#id;
  }

  set id(id: Id | undefined) {
    this.#id = id;
    this.#idText = undefined;
  }

  /** The id as `table` knows it. Throws INVALID_ID when it can't be one. */
  idIn(table: Table): Id | undefined {
    if (this.#idText === undefined) return this.#id;
    return this.#table === table && this.#id !== undefined ? this.#id : table.parseId(this.#idText);
  }

  /** Of a collection below a path, '/Product/abc/': 'abc'. */
  get idPrefix(): string | undefined {
    return this.isCollection ? this.#idText : undefined;
  }

  get hasQuery(): boolean {
    return this.search.length > 1 || this.#set !== undefined;
  }

  /** The query as it is put to a table. Throws INVALID_QUERY, UNKNOWN_ATTRIBUTE. */
  queryFor(definition: TableDefinition, lookup: TableLookup): Query {
    const fromUrl = parseQueryString(this.search.slice(1), definition, lookup);
    if (this.#set === undefined) return fromUrl;
    const kept = Object.entries(fromUrl).filter(([name]) => !Object.hasOwn(this.#set ?? {}, name));
    return { ...Object.fromEntries(kept), ...queryFromObject(this.#set, definition, lookup) };
  }

  /**
   * What app code that reads one record by this target asks of it: a selection. Other parameters of the URL are the app's own, and need not make sense to
   * a table. Throws as `queryFor` does.
   */
  selectionFor(definition: TableDefinition, lookup: TableLookup): Query | undefined {
    const wanted = partsOf(this.search.slice(1)).filter((part) => /^(select|explain)\(/.test(part));
    if (wanted.length === 0 && this.#set === undefined) return undefined;
    const fromUrl = parseQueryString(wanted.join('&'), definition, lookup);
    return { ...fromUrl, ...(this.#set && queryFromObject(this.#set, definition, lookup)) };
  }

  get conditions(): QueryCondition[] | undefined {
    return this.#field('conditions');
  }
  set conditions(value: QueryCondition[] | undefined) {
    this.#assign('conditions', value);
  }
  get operator(): 'and' | 'or' | undefined {
    return this.#field('operator');
  }
  set operator(value: 'and' | 'or' | undefined) {
    this.#assign('operator', value);
  }
  get limit(): number | undefined {
    return this.#field('limit');
  }
  set limit(value: number | undefined) {
    this.#assign('limit', value);
  }
  get offset(): number | undefined {
    return this.#field('offset');
  }
  set offset(value: number | undefined) {
    this.#assign('offset', value);
  }
  get sort(): QuerySort | QuerySort[] | undefined {
    return this.#field('sort');
  }
  set sort(value: QuerySort | QuerySort[] | undefined) {
    this.#assign('sort', value);
  }
  get select(): QuerySelect | undefined {
    return this.#field('select');
  }
  set select(value: QuerySelect | undefined) {
    this.#assign('select', value);
  }
  get allowFullScan(): boolean | undefined {
    return this.#field('allowFullScan');
  }
  set allowFullScan(value: boolean | undefined) {
    this.#assign('allowFullScan', value);
  }

  /** From the first read on, what app code has in hand is what counts: it may push into `conditions`. */
  #field<Name extends keyof QueryObject>(name: Name): QueryObject[Name] | undefined {
    if (this.#set === undefined || !(name in this.#set)) this.#takeFromUrl(name);
    return this.#set?.[name];
  }

  #takeFromUrl(name: keyof QueryObject): void {
    if (this.search.length <= 1) return;
    const written = objectFromQuery(
      parseQueryString(this.search.slice(1), this.#table?.definition ?? anyTable, this.#lookup ?? noTables),
    );
    if (written[name] !== undefined) this.#set = { ...this.#set, [name]: written[name] };
    // A group's operator and conditions go together.
    if (name === 'conditions' && written.operator !== undefined)
      this.#set = { operator: written.operator, ...this.#set };
  }

  #assign<Name extends keyof QueryObject>(name: Name, value: QueryObject[Name] | undefined): void {
    if (name === 'operator') this.#field('conditions');
    this.#set = { ...this.#set, [name]: value };
  }

  /** Path and query, as in a URL. */
  override toString(): string {
    return this.pathname + this.search;
  }
}

/** The parts of a query between its outermost `&`. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] ?? '';
    if ('([{'.includes(sign)) depth++;
    else if (')]}'.includes(sign)) depth--;
    else if (sign === '&' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

const noParams: Readonly<Record<string, string>> = Object.freeze({});
const noTables: TableLookup = () => undefined;

/** Stands for the table of an endpoint that has none: any attribute, no types. */
const anyTable: TableDefinition = {
  database: '',
  name: 'the query',
  primaryKey: '',
  attributes: [],
  sealed: false,
  replicate: false,
  audit: false,
  hidden: true,
};

/** Each segment decoded; a slash inside one stays `%2F`. */
function decodeIdText(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return text
      .split('/')
      .map((part) => decodeURIComponent(part).replaceAll('/', '%2F'))
      .join('/');
  } catch {
    throw new ZerohopError('INVALID_ID', `The id ${text} is not valid percent-encoding.`);
  }
}

/** The id as a path: what `decodeIdText` undoes. */
export function pathOfId(id: Id): string {
  const text = String(id);
  if (/^[\w-]*$/.test(text)) return text;
  return text
    .split('/')
    .map((part) => encodeURIComponent(part.replaceAll('%2F', '/')))
    .join('/');
}
