// Users and roles as they are kept: reading them, and every way to change them. There is always an active user whose role is super user.

import { type JsonObject, ZerohopError } from '../base/index.ts';
import type { Databases, Table } from '../tables/index.ts';
import { type Access, accessTo, publicRole } from './access.ts';
import type { Passwords } from './passwords.ts';
import { permissionToJson, readPermission } from './permission.ts';
import { systemDatabase, tableNames } from './system-tables.ts';
import type { User } from './types.ts';

export interface Account {
  readonly username: string;
  readonly role: string;
  readonly active: boolean;
  /** Hash of the password. */
  readonly password: string;
  /** What was issued to the user before this counts no more. */
  readonly validFromMs: number;
  /** Made by the node itself, and left as it was since. */
  readonly generated?: boolean;
}

export interface UserChange {
  readonly role?: string | undefined;
  readonly active?: boolean | undefined;
  readonly password?: string | undefined;
  /** Everything that was issued to the user so far counts no more. */
  readonly revoke?: boolean;
}

/** The role whose users may do everything. */
export const superUserRole = 'super_user';

export class Accounts {
  readonly access: Access;
  readonly #databases: Databases;
  readonly #passwords: Passwords;
  /** Changes are made one after the other: what one relies on, the next must see. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(databases: Databases, passwords: Passwords) {
    this.#databases = databases;
    this.#passwords = passwords;
    this.access = accessTo(databases);
  }

  get(username: string): Account | undefined {
    const table = this.#databases.table(systemDatabase, tableNames.users);
    if (table === undefined || !isName(username)) return undefined;
    const stored = this.#databases.getLatest(table, username);
    return stored === undefined ? undefined : JSON.parse(stored.body);
  }

  /** The user behind a name, as of now: none when there is no such user, or it is not active. */
  user(username: string): User | undefined {
    const account = this.get(username);
    return account?.active ? this.userOf(account) : undefined;
  }

  userOf({ username, role }: Account): User {
    const superUser = this.access.roles.get(role)?.superUser ?? false;
    return { username, role: this.access.role(role), active: true, superUser };
  }

  list(): Account[] {
    return this.#all<Account>(tableNames.users).map(({ json }) => json);
  }

  async add(username: string, password: string, role: string, active = true, generated = false): Promise<void> {
    await this.#change(async () => {
      if (!isName(username))
        throw new ZerohopError('INVALID_REQUEST', 'A username has 1 to 250 characters, none of them invisible.');
      if (this.get(username)) throw new ZerohopError('CONFLICT', `There is a user ${username} already.`);
      this.#demandRole(role);
      const hash = await this.#passwords.hash(password);
      const record = { username, role, active, password: hash, validFromMs: Date.now(), generated };
      await this.#databases.create(this.#table(tableNames.users), record);
    });
  }

  async alter(username: string, { role, active, password, revoke }: UserChange): Promise<void> {
    await this.#change(async () => {
      const account = this.#demandUser(username);
      if (role !== undefined) this.#demandRole(role);
      const changed = { ...account, role: role ?? account.role, active: active ?? account.active };
      this.#keepAdministrator((other) => (other.username === username ? changed : other));
      const isOut = password !== undefined || !changed.active || revoke === true;
      await this.#patch(tableNames.users, username, {
        role: changed.role,
        active: changed.active,
        generated: false,
        ...(password !== undefined && { password: await this.#passwords.hash(password) }),
        ...(isOut && { validFromMs: Date.now() }),
      });
    });
  }

  async drop(username: string): Promise<void> {
    await this.#change(async () => {
      this.#demandUser(username);
      this.#keepAdministrator((other) => (other.username === username ? undefined : other));
      await this.#write((transaction) => transaction.delete(this.#table(tableNames.users), username));
    });
  }

  /** Role → its permission as written. */
  roles(): Map<string, JsonObject> {
    return new Map(
      this.#all<{ permission: JsonObject }>(tableNames.roles).map(({ id, json }) => [id, json.permission]),
    );
  }

  /** Creates the role, or changes it to be this. Gives whether there was anything to do. Throws INVALID_REQUEST, CONFLICT. */
  async setRole(id: string, permission: unknown, mode: 'new' | 'existing' | 'either'): Promise<boolean> {
    if (!isName(id)) throw new ZerohopError('INVALID_REQUEST', 'The name of a role has 1 to 250 visible characters.');
    const role = readPermission(permission, `The role ${id}`);
    if (id === publicRole && (role.superUser || role.structureUser))
      throw new ZerohopError(
        'INVALID_REQUEST',
        'The role public is everybody: it can not be super user or structure user.',
      );
    return this.#change(async () => {
      const written = permissionToJson(role);
      const before = this.roles().get(id);
      if (before === undefined && mode === 'existing') throw noRole(id);
      if (before !== undefined && mode === 'new') throw new ZerohopError('CONFLICT', `There is a role ${id} already.`);
      if (before !== undefined && Bun.deepEquals(before, written)) return false;
      if (!role.superUser) this.#keepAdministrator((user) => user, id);
      const table = this.#table(tableNames.roles);
      await this.#write((transaction) => transaction.put(table, id, { id, permission: written }));
      return true;
    });
  }

  async dropRole(id: string): Promise<void> {
    await this.#change(async () => {
      if (!this.roles().has(id)) throw noRole(id);
      const users = this.list().filter(({ role }) => role === id);
      if (users.length > 0) {
        const names = users.slice(0, 5).map(({ username }) => username);
        throw new ZerohopError(
          'CONFLICT',
          `The role ${id} has users: ${names.join(', ')}. Give them another one first.`,
        );
      }
      await this.#write((transaction) => transaction.delete(this.#table(tableNames.roles), id));
    });
  }

  /** Whether somebody can sign in who may do everything. */
  hasAdministrator(): boolean {
    return this.list().some(({ active, role }) => active && this.access.roles.get(role)?.superUser);
  }

  /** @param changed a user as it is going to be. @param demoted a role that is going to be without super user */
  #keepAdministrator(changed: (user: Account) => Account | undefined, demoted?: string): void {
    const isSuper = (role: string) => role !== demoted && this.access.roles.get(role)?.superUser === true;
    const administers = (user: Account | undefined) => user?.active === true && isSuper(user.role);
    const before = this.list();
    const isThere = before.some((user) => user.active && this.access.roles.get(user.role)?.superUser);
    if (!isThere || before.some((user) => administers(changed(user)))) return;
    throw new ZerohopError(
      'CONFLICT',
      'This would leave no active user who is super user, and nobody to make one. Add another first.',
    );
  }

  #demandUser(username: string): Account {
    const account = this.get(username);
    if (account) return account;
    throw new ZerohopError('NOT_FOUND', `There is no user ${username}.`);
  }

  #demandRole(id: string): void {
    if (id === publicRole || !this.access.roles.has(id)) throw noRole(id);
  }

  #all<Body>(name: string): { readonly id: string; readonly json: Body }[] {
    const table = this.#databases.table(systemDatabase, name);
    if (table === undefined) return [];
    const transaction = this.#databases.transaction();
    try {
      return Array.from(transaction.search(table, {}).rows, ({ id, json }) => ({
        id: String(id),
        json: JSON.parse(json),
      }));
    } finally {
      transaction.abort();
    }
  }

  #table(name: string): Table {
    const table = this.#databases.table(systemDatabase, name);
    if (table) return table;
    throw new ZerohopError('NOT_IMPLEMENTED', `This node keeps no users and roles: it has no table ${name}.`);
  }

  #patch(name: string, id: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#write((transaction) => transaction.patch(this.#table(name), id, changes, { if: { exists: true } }));
  }

  async #write(stage: (transaction: ReturnType<Databases['transaction']>) => void): Promise<void> {
    const transaction = this.#databases.transaction();
    try {
      stage(transaction);
      await transaction.commit();
    } finally {
      transaction.abort();
    }
  }

  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(change, change);
    this.#last = done.catch(() => {});
    return done;
  }
}

function noRole(id: string): ZerohopError {
  return new ZerohopError('NOT_FOUND', `There is no role ${id}.`);
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && /^[^\p{C}]{1,250}$/u.test(name) && name.trim() !== '';
}
