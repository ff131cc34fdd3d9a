// Roles and calls made from a seed, and what each call must come to.

import type { CallRequest } from './callers.ts';
import { itemAttributes, Oracle, type OracleRole, type OracleTable } from './oracle.ts';

export interface Case {
  readonly number: number;
  readonly identity: 'none' | 'basic' | 'bearer' | 'session';
  /** Index of the role; undefined: no credentials. */
  readonly role: number | undefined;
  readonly action: (typeof actions)[number];
  /** Whose record it is about. */
  readonly whose: 'own' | 'other' | 'missing';
  /** An attribute the call names. */
  readonly attribute: (typeof itemAttributes)[number];
}

const actions = [
  'read',
  'read property',
  'read through a class',
  'read through an older class',
  'read what is kept for each',
  'read what decides by itself',
  'read what is kept for all',
  'list',
  'filter',
  'sort',
  'select',
  'nest',
  'join',
  'describe',
  'insert by PUT',
  'insert by POST',
  'replace',
  'patch',
  'take away',
  'delete',
  'delete property',
  'delete by query',
  'search operation',
  'update operation',
  'delete operation',
  'list users',
  'user info',
  'impersonate',
] as const;

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function rolesOf(seed: number, count: number): OracleRole[] {
  const random = randomOf(seed);
  const chance = (likelihood: number) => random() < likelihood;
  const table = (names: readonly string[], rows: string): OracleTable => {
    const may = { read: chance(0.75), insert: chance(0.6), update: chance(0.6), delete: chance(0.5) };
    const attributes = Object.fromEntries(
      names.map((name) => [
        name,
        { read: may.read && chance(0.6), insert: may.insert && chance(0.7), update: may.update && chance(0.6) },
      ]),
    );
    return { ...may, ...(chance(0.5) && { attributes }), ...(chance(0.4) && { rows }) };
  };
  return Array.from({ length: count }, () => ({
    Item: chance(0.9) ? table(['name', 'secret', 'owner', 'maker', 'made'], 'owner=$user') : undefined,
    Maker: chance(0.6) ? table(['name', 'tax'], 'name=acme') : undefined,
  }));
}

export function casesOf(seed: number, roles: readonly OracleRole[], count: number): Case[] {
  const random = randomOf(seed + 1);
  const pick = <Choice>(choices: readonly Choice[]): Choice => choices[Math.floor(random() * choices.length)] as Choice;
  return Array.from({ length: count }, (_, number) => {
    const identity = pick(['none', 'basic', 'bearer', 'session'] as const);
    return {
      number,
      identity: number % 12 === 0 ? 'none' : identity === 'none' ? 'basic' : identity,
      role: number % 12 === 0 ? undefined : Math.floor(random() * roles.length),
      action: actions[number % actions.length] as Case['action'],
      whose: pick(['own', 'own', 'other', 'missing'] as const),
      attribute: pick(itemAttributes.slice(1)),
    };
  });
}

function userOf({ role }: Case): string | undefined {
  return role === undefined ? undefined : `user-${role}`;
}

function recordOf(one: Case, whose: 'own' | 'other'): Record<string, string> {
  const owner = whose === 'own' ? (userOf(one) ?? 'nobody') : 'somebody';
  return { id: `c${one.number}/${whose}`, name: `name ${one.number}`, secret: 'hidden', owner, maker: 'm-1' };
}

export function seedsOf(cases: readonly Case[]) {
  return {
    items: cases.flatMap((one) => [recordOf(one, 'own'), recordOf(one, 'other')]),
    makers: [{ id: 'm-1', name: 'acme', tax: '17' }],
  };
}

interface Expected {
  readonly status: number;
  readonly body?: unknown;
}

export function settle(one: Case, roles: readonly OracleRole[]): { request: CallRequest; expected: Expected } {
  const username = userOf(one);
  const role = one.role === undefined ? undefined : roles[one.role];
  return new Settling(one, new Oracle({ username, role })).settle();
}

class Settling {
  readonly #one: Case;
  readonly #oracle: Oracle;
  readonly #path: string;
  readonly #record: Record<string, string> | undefined;

  constructor(one: Case, oracle: Oracle) {
    this.#one = one;
    this.#oracle = oracle;
    this.#path = `c${one.number}/${one.whose}`;
    this.#record = one.whose === 'missing' ? undefined : recordOf(one, one.whose);
  }

  settle(): { request: CallRequest; expected: Expected } {
    const { action, attribute, role } = this.#one;
    const oracle = this.#oracle;
    const below = `/Item/c${this.#one.number}/`;
    const get = (path: string, expected: Expected) => ({ request: { method: 'GET', path }, expected });
    const put = (method: string, path: string, body: unknown, expected: Expected) => ({
      request: { method, path, body },
      expected,
    });
    switch (action) {
      case 'read':
        return get(`/Item/${this.#path}`, this.#read());
      case 'read through a class':
        return get(`/Passing/${this.#path}`, this.#read());
      case 'read through an older class':
        return get(`/Older/${this.#path}`, this.#read());
      case 'read what is kept for each':
        return get(`/KeptPassing/${this.#path}`, this.#read());
      case 'read what decides by itself':
        return get(`/Judging/${this.#path}`, role === 0 ? this.#found(this.#record) : { status: oracle.no });
      case 'read what is kept for all':
        return get(`/Kept/${this.#path}`, { status: 200, body: this.#record ? { name: this.#record.name } : {} });
      case 'read property': {
        const seen = oracle.may('read') && !oracle.mayAttribute('read', attribute) ? { status: 403 } : this.#read();
        const body = seen.status === 200 ? this.#record?.[attribute] : undefined;
        return get(`/Item/${this.#path}.${attribute}`, { status: seen.status, ...(body !== undefined && { body }) });
      }
      case 'list':
        return get(below, this.#list());
      case 'filter':
        return get(`${below}?${attribute}=ge=`, this.#list(attribute));
      case 'sort':
        return get(`${below}?sort(${attribute},id)`, this.#named(attribute));
      case 'select': {
        const list = this.#named(attribute);
        const rows = list.status === 200 ? this.#rows().map((row) => ({ [attribute]: row[attribute] })) : undefined;
        return get(`${below}?select(${attribute},)`, { status: list.status, ...(rows && { body: rows }) });
      }
      case 'nest': {
        const made = attribute === 'secret' ? 'tax' : 'name';
        const following = oracle.following(made);
        const rows = this.#rows().map(({ id }) => ({ id, made: { [made]: made === 'tax' ? '17' : 'acme' } }));
        const expected = !oracle.may('read')
          ? { status: oracle.no }
          : following
            ? { status: following }
            : { status: 200, body: rows };
        return get(`${below}?select(id,made{${made},})`, expected);
      }
      case 'join': {
        const made = attribute === 'secret' ? 'tax' : 'name';
        const following = oracle.following(made);
        const value = made === 'tax' ? '17' : 'acme';
        const expected = !oracle.may('read') ? { status: oracle.no } : following ? { status: following } : this.#list();
        return get(`${below}?made.${made}=${value}`, expected);
      }
      case 'describe':
        return get('/Item', { status: oracle.may('read') ? 200 : oracle.no });
      case 'insert by PUT': {
        const body = {
          name: 'new',
          owner: oracle.owns('user') ? 'user' : username(this.#one),
          [attribute]: this.#valueOf(attribute),
        };
        return put('PUT', `${below}new`, body, this.#insert(body, 204));
      }
      case 'insert by POST': {
        const body = {
          id: `c${this.#one.number}/posted`,
          [attribute]: this.#valueOf(attribute),
          owner: username(this.#one),
        };
        return put('POST', '/Item/', body, this.#insert(body, 201));
      }
      case 'replace': {
        const like = recordOf(this.#one, this.#one.whose === 'other' ? 'other' : 'own');
        const body = { ...like, id: this.#path, name: 'replaced' };
        return put('PUT', `/Item/${this.#path}`, body, this.#replace(body));
      }
      case 'patch': {
        const body = { [attribute]: attribute === 'owner' ? (this.#record?.owner ?? 'x') : 'changed' };
        return put('PATCH', `/Item/${this.#path}`, body, this.#update([attribute]));
      }
      case 'take away': {
        // To somebody else: a record may not leave what the caller may change.
        const updated = this.#update(['owner']);
        const leaves = updated.status === 204 && oracle.table('Item').rows !== undefined;
        return put('PATCH', `/Item/${this.#path}`, { owner: 'a third' }, leaves ? { status: 403 } : updated);
      }
      case 'delete':
        return { request: { method: 'DELETE', path: `/Item/${this.#path}` }, expected: this.#delete() };
      case 'delete property': {
        const updated = this.#update([attribute]);
        const leaves = attribute === 'owner' && updated.status === 204 && oracle.table('Item').rows !== undefined;
        return {
          request: { method: 'DELETE', path: `/Item/${this.#path}.${attribute}` },
          expected: leaves ? { status: 403 } : updated,
        };
      }
      case 'delete by query': {
        const expected = !oracle.may('delete') || !oracle.may('read') ? { status: oracle.no } : this.#named(attribute);
        const done = expected.status === 200 ? { status: this.#rows().length > 0 ? 204 : 404 } : expected;
        return { request: { method: 'DELETE', path: `${below}?${attribute}=ge=` }, expected: done };
      }
      case 'search operation': {
        const conditions = [
          { attribute: 'id', comparator: 'starts_with', value: `c${this.#one.number}/` },
          { attribute, comparator: 'greater_than_equal', value: '' },
        ];
        return this.#operation({ operation: 'search_by_conditions', table: 'Item', conditions }, this.#list(attribute));
      }
      case 'update operation': {
        const record = { id: this.#path, [attribute]: this.#record?.[attribute] ?? 'given' };
        const { status } = this.#update([attribute]);
        const skipped = this.#record === undefined || !oracle.owns(this.#record.owner ?? '');
        const answer = {
          message: `updated ${skipped ? 0 : 1} of 1 records`,
          update_hashes: skipped ? [] : [this.#path],
          skipped_hashes: skipped ? [this.#path] : [],
        };
        // Attributes are looked at where there is something to change.
        const isRefused = status === 401 || (status === 403 && (this.#record !== undefined || !oracle.may('update')));
        const expected = isRefused ? { status } : { status: 200, body: answer };
        return this.#operation({ operation: 'update', table: 'Item', records: [record] }, expected);
      }
      case 'delete operation': {
        const { status } = this.#delete();
        const answer = {
          message: `${status === 204 ? 1 : 0} of 1 record successfully deleted`,
          deleted_hashes: status === 204 ? [this.#path] : [],
          skipped_hashes: status === 204 ? [] : [this.#path],
        };
        const expected = oracle.may('delete') ? { status: 200, body: answer } : { status };
        return this.#operation({ operation: 'delete', table: 'Item', ids: [this.#path] }, expected);
      }
      case 'list users':
        return this.#operation({ operation: 'list_users' }, { status: oracle.no });
      case 'user info':
        return this.#operation({ operation: 'user_info' }, { status: role === undefined ? 401 : 200 });
      case 'impersonate':
        return this.#operation({ operation: 'user_info', impersonate: { username: 'admin' } }, { status: 403 });
    }
  }

  #operation(body: unknown, expected: Expected) {
    return { request: { method: 'POST', path: '/', body, isOperation: true }, expected };
  }

  #found(record: Record<string, string> | undefined): Expected {
    return record === undefined ? { status: 404 } : { status: 200, body: record };
  }

  #read(): Expected {
    const oracle = this.#oracle;
    if (!oracle.may('read')) return { status: oracle.no };
    const record = this.#record;
    if (record === undefined || !oracle.owns(record.owner ?? '')) return { status: 404 };
    return { status: 200, body: oracle.visible(record) };
  }

  #rows(): Record<string, string>[] {
    const all = [recordOf(this.#one, 'other'), recordOf(this.#one, 'own')];
    return all.filter(({ owner }) => this.#oracle.owns(owner ?? ''));
  }

  #list(named?: string): Expected {
    const oracle = this.#oracle;
    if (!oracle.may('read')) return { status: oracle.no };
    if (named !== undefined && !oracle.mayAttribute('read', named)) return { status: 403 };
    const rows = this.#rows().map((row) => oracle.visible(row));
    return { status: 200, body: rows };
  }

  /** The status of a list that names an attribute. */
  #named(attribute: string): Expected {
    const { status } = this.#list(attribute);
    return { status };
  }

  #valueOf(attribute: string): string {
    return attribute === 'owner' ? username(this.#one) : 'given';
  }

  #insert(body: Readonly<Record<string, unknown>>, done: number): Expected {
    const oracle = this.#oracle;
    if (!oracle.may('insert')) return { status: oracle.no };
    if (Object.keys(body).some((name) => !oracle.mayAttribute('insert', name))) return { status: 403 };
    return { status: oracle.owns(String(body.owner)) ? done : 403 };
  }

  #replace(body: Readonly<Record<string, unknown>>): Expected {
    const oracle = this.#oracle;
    if (this.#record === undefined) return this.#insert(body, 204);
    if (!oracle.may('update')) return { status: oracle.no };
    if (oracle.table('Item').attributes !== undefined) return { status: 403 };
    return { status: oracle.owns(this.#record.owner ?? '') ? 204 : 403 };
  }

  #update(names: readonly string[]): Expected {
    const oracle = this.#oracle;
    if (!oracle.may('update')) return { status: oracle.no };
    if (names.some((name) => !oracle.mayAttribute('update', name))) return { status: 403 };
    const isThere = this.#record !== undefined && oracle.owns(this.#record.owner ?? '');
    return { status: isThere ? 204 : 404 };
  }

  #delete(): Expected {
    const oracle = this.#oracle;
    if (!oracle.may('delete')) return { status: oracle.no };
    return { status: this.#record !== undefined && oracle.owns(this.#record.owner ?? '') ? 204 : 404 };
  }
}

function username(one: Case): string {
  return userOf(one) ?? 'nobody';
}
