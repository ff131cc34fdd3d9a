// A node with data of which each caller may see a part, and the oracle: in each value stands a marker made by chance, and for each caller
// those that no answer to it may ever hold.

import { identitiesOf, operate } from '../security/callers.ts';
import { startNode, type TestNode } from '../support/start-node.ts';

export interface FuzzCaller {
  readonly headers: Readonly<Record<string, string>>;
  /** No answer holds one of these. */
  readonly hidden: readonly string[];
}

export interface World extends AsyncDisposable {
  readonly node: TestNode;
  readonly callers: ReadonlyMap<string, FuzzCaller>;
  /** Names of operations whose use leaves the world as it is, or is refused to all callers. */
  readonly operations: readonly string[];
  /** What the administrator reads of all that nobody may change. */
  protectedData(): Promise<unknown>;
}

/** Those that end what the caller itself came with. */
const leftOut = /^(logout|revoke_|login|create_authentication_tokens|refresh_)/;

export async function openWorld(threads = 2): Promise<World> {
  const node = await startNode({ app: 'fuzz', threads, settings: { AUTHORIZE_LOCAL: 'false' } });
  try {
    return await furnish(node);
  } catch (error) {
    await node[Symbol.asyncDispose]();
    throw error;
  }
}

async function furnish(node: TestNode): Promise<World> {
  const names = { secret: marker(), tax: marker(), vault: marker(), price: marker(), note: marker() };
  const owners = ['own', 'reader', 'writer'];
  const itemNames = owners.map(marker);
  const items = owners.map((owner, index) => ({
    id: String(index + 1),
    name: itemNames[index],
    secret: names.secret,
    owner,
    note: names.note,
    price: index,
    tags: [names.price],
    maker: 'm',
  }));
  await operate(node, { operation: 'insert', table: 'Maker', records: [{ id: 'm', name: 'acme', tax: names.tax }] });
  await operate(node, { operation: 'insert', table: 'Item', records: items });
  await operate(node, { operation: 'insert', table: 'Vault', records: [{ id: '1', name: names.vault }] });
  const may = { read: true };
  const some = { id: may, name: may, owner: may, maker: may, made: may };
  const maker = { read: true, attributes: { name: may } };
  const roles: Readonly<Record<string, unknown>> = {
    public: { data: { tables: { Maker: maker } } },
    nothing: { data: { tables: {} } },
    reader: { data: { tables: { Item: { read: true, attributes: some }, Maker: maker } } },
    own: { data: { tables: { Item: { read: true, rows: 'owner=$user' } } } },
    writer: { data: { tables: { Vault: { insert: true, read: false } } } },
  };
  const callers = new Map<string, FuzzCaller>();
  const passwords: string[] = [];
  for (const [role, permission] of Object.entries(roles)) {
    const isPublic = role === 'public';
    await operate(node, { operation: isPublic ? 'alter_role' : 'add_role', role, permission }).catch(() =>
      operate(node, { operation: 'add_role', role, permission }),
    );
    if (isPublic) continue;
    const password = `pass ${marker()}`;
    passwords.push(password);
    await operate(node, { operation: 'add_user', username: role, password, role });
  }
  const [, administrators = ''] = await node.output.match(/user admin with the password (\S+?)[",\s]/);
  const always = [...passwords, administrators, 'PRIVATE KEY', '$argon2'];
  const { secret, tax, vault, price, note } = names;
  const hiddenFrom: Readonly<Record<string, readonly string[]>> = {
    public: [secret, tax, vault, price, note, ...itemNames],
    nothing: [secret, tax, vault, price, note, ...itemNames],
    reader: [secret, tax, vault, price, note],
    own: [tax, vault, ...itemNames.slice(1)],
    writer: [secret, tax, vault, price, note, ...itemNames],
  };
  for (const [index, role] of ['nothing', 'reader', 'own', 'writer'].entries())
    for (const { how, headers } of await identitiesOf(node, role, passwords[index] ?? ''))
      callers.set(`${role} by ${how}`, { headers, hidden: [...(hiddenFrom[role] ?? []), ...always] });
  const [reader] = [...callers.values()];
  const bad: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    nobody: {},
    'a wrong password': { authorization: `Basic ${Buffer.from('reader:wrong').toString('base64')}` },
    'an unknown name': { authorization: `Basic ${Buffer.from("x' OR 1=1 --:x").toString('base64')}` },
    'a scheme that is none': { authorization: 'Negotiate abc' },
    'a token that is none': { authorization: 'Bearer e30.e30.e30' },
    'a token cut short': { authorization: `Bearer ${(reader?.headers.authorization ?? '').slice(7, -3)}` },
    bytes: { authorization: '\x80\xff' },
    'a session that is none': { cookie: 'zerohop_session=AAAA' },
  };
  for (const [name, headers] of Object.entries(bad))
    callers.set(name, { headers, hidden: [...(hiddenFrom.public ?? []), ...always] });
  const listed = (await operate(node, { operation: 'list_operations' })) as { name: string }[];
  const protectedData = async () => [
    await operate(node, { operation: 'search_by_id', table: 'Item', ids: ['1', '2', '3'] }),
    await operate(node, { operation: 'search_by_id', table: 'Maker', ids: ['m'] }),
    await operate(node, { operation: 'search_by_id', table: 'Vault', ids: ['1'] }),
    await operate(node, { operation: 'list_users' }),
    await operate(node, { operation: 'list_roles' }),
  ];
  return {
    node,
    callers,
    operations: listed.map(({ name }) => name).filter((name) => !leftOut.test(name)),
    protectedData,
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

function marker(): string {
  return `mark${Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString('hex')}`;
}
