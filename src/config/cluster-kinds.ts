// The kinds of values that keys of replication have.

import type { Kind } from './kinds.ts';

/** A peer that is connected to whether or not it is known to be a member. */
export interface Route {
  readonly host: string;
  readonly port: number;
  /** False: this node sends nothing of what it has there. */
  readonly sends: boolean;
  /** False: this node takes nothing from there. */
  readonly receives: boolean;
}

export const replicationPort = 9933;

/** A host with a port; a name alone means the default port. */
export function readAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, address = ''] = /^(?:wss?:\/\/)?([^/?#\s]+)\/?$/.exec(text) ?? [];
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]@]+))(?::(\d{1,5}))?$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? replicationPort : Number(digits);
  return host === undefined || host.length > 255 || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** As text: `db-2:9933?receives=false`, separated by commas. */
export const routes: Kind<readonly Route[]> = {
  allowed: 'a list of peers such as db-2:9933 or db-2:9933?receives=false',
  placeholder: 'host:port,…',
  fromText: (text) =>
    all(
      text.split(',').flatMap((part) => part.trim() || []),
      routeFromText,
    ),
  fromValue: (value) => (Array.isArray(value) ? all(value, routeFromValue) : undefined),
};

/** Databases by name; `*` stands for all. As text: separated by commas. */
export const databases: Kind<readonly string[]> = {
  allowed: 'a list of databases, or "*" for all',
  placeholder: 'database,…',
  fromText: (text) => all(text.split(','), (part) => databaseFrom(part.trim())),
  fromValue: (value) => all(Array.isArray(value) ? value : [value], databaseFrom),
};

/** A name, or nothing. */
export const nameOrNone: Kind<string> = {
  allowed: 'a name of 255 letters, digits, dots, dashes and underscores at most',
  placeholder: 'name',
  fromText: nameFrom,
  fromValue: nameFrom,
};

/** An address others can reach, or nothing. */
export const addressOrNone: Kind<string> = {
  allowed: 'a host, or a host and a port such as db-1.example.com:9933',
  placeholder: 'host:port',
  fromText: addressFrom,
  fromValue: addressFrom,
};

/** A path of a file, or nothing. */
export const fileOrNone: Kind<string> = {
  allowed: 'the path of a file',
  placeholder: 'file',
  fromText: fileFrom,
  fromValue: fileFrom,
};

function all<Item, T>(items: readonly Item[], read: (item: Item) => T | undefined): T[] | undefined {
  const values = items.flatMap((item) => read(item) ?? []);
  return values.length === items.length ? values : undefined;
}

function routeFromText(text: string): Route | undefined {
  const [address = '', query = ''] = text.split('?');
  const flags = new URLSearchParams(query);
  for (const [name, value] of flags)
    if ((name !== 'sends' && name !== 'receives') || (value !== 'true' && value !== 'false')) return undefined;
  const place = readAddress(address);
  return place && { ...place, sends: flags.get('sends') !== 'false', receives: flags.get('receives') !== 'false' };
}

function routeFromValue(value: unknown): Route | undefined {
  if (typeof value === 'string') return routeFromText(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { host, hostname = host, port = replicationPort, replicates, ...rest } = value as Record<string, unknown>;
  if (typeof hostname !== 'string') return undefined;
  const place = readAddress(typeof port === 'number' && !hostname.includes(':') ? `${hostname}:${port}` : hostname);
  const { sends = true, receives = true, ...unknown } = { ...rest, ...(isObject(replicates) ? replicates : {}) };
  if (!place || typeof sends !== 'boolean' || typeof receives !== 'boolean' || Object.keys(unknown).length > 0)
    return undefined;
  return { ...place, sends, receives };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function databaseFrom(value: unknown): string | undefined {
  return typeof value === 'string' && /^(\*|[A-Za-z0-9][A-Za-z0-9_-]{0,63})$/.test(value) ? value : undefined;
}

function nameFrom(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\p{L}\p{N}_.-]{0,255}$/u.test(value) ? value : undefined;
}

function addressFrom(value: unknown): string | undefined {
  return typeof value === 'string' && (value === '' || readAddress(value)) ? value : undefined;
}

function fileFrom(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= 4096 && !value.includes('\0') ? value : undefined;
}
