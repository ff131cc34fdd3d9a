// The node's own tables of users, roles, and what proves who somebody is. In the database `system`, so they replicate with it; no door
// serves them.

import type { Attribute, ScalarType, TableDefinition } from '../schema/index.ts';

export const systemDatabase = 'system';

/** Names as existing tools know them. */
export const tableNames = {
  /** username → role, password hash, since when what was issued to the user counts. */
  users: 'hdb_user',
  roles: 'hdb_role',
  sessions: 'hdb_session',
  /** Public halves of the keys that tokens are signed with, of all nodes. */
  tokenKeys: 'hdb_token_key',
  /** Ids of tokens that count no more. */
  revocations: 'hdb_revocation',
  /** What happened that matters to security. */
  events: 'hdb_security_event',
} as const;

type Column = readonly [name: string, type: ScalarType, options?: Partial<Attribute>];

const expires: Column = ['expiresAt', 'Long', { role: 'expiresAt' }];

export const securityTables: readonly TableDefinition[] = [
  define(tableNames.users, 'username', [
    ['role', 'String', { required: true, indexed: true }],
    ['active', 'Boolean', { required: true }],
    ['password', 'String', { required: true, hidden: true }],
    ['validFromMs', 'Long', { required: true }],
    ['generated', 'Boolean'],
    ['createdAt', 'Date', { role: 'createdTime' }],
    ['updatedAt', 'Date', { role: 'updatedTime' }],
  ]),
  define(tableNames.roles, 'id', [
    ['permission', 'Any', { required: true }],
    ['createdAt', 'Date', { role: 'createdTime' }],
    ['updatedAt', 'Date', { role: 'updatedTime' }],
  ]),
  define(tableNames.sessions, 'id', [
    ['username', 'String', { required: true, indexed: true }],
    ['startedMs', 'Long', { required: true }],
    expires,
  ]),
  define(tableNames.tokenKeys, 'id', [['key', 'Any', { required: true }], ['createdMs', 'Long'], expires]),
  define(tableNames.revocations, 'id', [expires]),
  define(tableNames.events, 'id', [
    ['atMs', 'Long', { required: true, indexed: true }],
    ['event', 'String', { required: true, indexed: true }],
    ['username', 'String', { indexed: true }],
    ['address', 'String'],
    ['detail', 'Any'],
    expires,
  ]),
];

function define(name: string, primaryKey: string, columns: readonly Column[]): TableDefinition {
  const key: Column = [primaryKey, 'ID', { required: true }];
  const attributes = [key, ...columns].map(
    ([attribute, scalar, options]): Attribute => ({
      name: attribute,
      type: { kind: 'scalar', scalar },
      required: false,
      indexed: false,
      unique: false,
      fulltext: false,
      hidden: false,
      ...options,
    }),
  );
  const hasExpiry = columns.includes(expires);
  return {
    database: systemDatabase,
    name,
    primaryKey,
    attributes,
    sealed: true,
    ...(hasExpiry && { evictionMs: 0, scanIntervalMs: 3_600_000 }),
    replicate: true,
    audit: true,
    hidden: true,
  };
}
