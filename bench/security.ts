// What access control costs: reading one record as everybody, with a token and with a password, and what checking a wrong name takes
// against a wrong password.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openTestNode } from '../src/resources/index.ts';
import { accessTo } from '../src/security/index.ts';
import { alternate, type Part } from './benchmark.ts';
import { median, type Row, row } from './figures.ts';
import { apps, cores, type Server } from './lab.ts';
import { productPaths } from './node/reads.ts';
import { errorNote, type LoadResult } from './wrk.ts';

const password = 'correct horse battery';

export const security: Part = {
  name: 'security',
  about: 'GET /Product/<id> as everybody, with a token, with a password; wrong names against wrong passwords',
  async run(lab, pace, { progress }) {
    const data = lab.newPath('data');
    const node = await lab.startZerohop({ app: apps.store, data, cores: cores.server, threads: 1 });
    const operate = operations(data);
    // What everybody may, as a role.
    const roles = (await operate({ operation: 'list_roles' })) as { id: string; permission: unknown }[];
    const permission = roles.find(({ id }) => id === 'public')?.permission;
    await operate({ operation: 'add_role', role: 'shopper', permission });
    await operate({ operation: 'add_user', username: 'ann', password, role: 'shopper' });
    const tokens = (await operate({
      operation: 'create_authentication_tokens',
      username: 'ann',
      password,
    })) as { operation_token: string };

    const paths = lab.writeLines('paths', productPaths('/Product'));
    const as = (authorization: string) => {
      const run = (seconds: number): Promise<LoadResult> =>
        lab.load({
          url: node.url,
          script: 'get-with.lua',
          args: [paths, 'Authorization', authorization],
          connections: pace.connections,
          seconds,
          cores: cores.load,
        });
      return run;
    };
    const everybody = as('');
    const bearer = as(`Bearer ${tokens.operation_token}`);
    const basic = as(`Basic ${Buffer.from(`ann:${password}`).toString('base64')}`);
    progress('GET /Product/<id> as everybody, with a token, with a password');
    for (const run of [everybody, bearer, basic]) await run(pace.warmUpSeconds);
    const results = await alternate(pace.runs, {
      everybody: () => everybody(pace.seconds),
      bearer: () => bearer(pace.seconds),
      basic: () => basic(pace.seconds),
    });
    const compared = (name: string, runs: readonly LoadResult[], least?: number): Row =>
      row({
        name: `GET /Product/<id>, ${name}`,
        unit: 'requests/s',
        runs: runs.map(({ perSecond }) => perSecond),
        rival: { name: 'as everybody', runs: results.everybody.map(({ perSecond }) => perSecond) },
        ...(least !== undefined && { targets: [{ of: 'ratio', bound: 'atLeast', limit: least }] }),
        note: errorNote(runs),
      });
    const accessNs = await nsOfAccess();
    progress('wrong names and wrong passwords');
    for (let at = 0; at < guesses; at++)
      await operate({ operation: 'add_user', username: `user-${at}`, password, role: 'shopper' });
    const timing = await wrongCredentials(node);
    await node.stop();
    const shares = results.everybody.map(({ perSecond }) => (accessNs * perSecond) / 1e7);
    const share = row({
      name: 'GET /Product/<id> as everybody, share of access control',
      unit: '%',
      runs: shares,
      targets: [{ of: 'value', bound: 'atMost', limit: 5 }],
      note: `${Math.round(accessNs)} ns a request`,
    });
    return [share, compared('with a token', results.bearer, 0.85), compared('with a password', results.basic), timing];
  },
};

/** Sends operations to the socket in a node's data folder; that of the first start is there when the node answers. */
function operations(data: string) {
  return async (body: unknown): Promise<unknown> => {
    const unix = join(data, 'operations.sock');
    for (let attempt = 0; attempt < 500 && !existsSync(unix); attempt++) await Bun.sleep(10);
    const response = await fetch('http://localhost/', { unix, method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`An operation was answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
}

/** What one request for a record asks of access control: whether it has credentials, and what everybody may do with the table. */
async function nsOfAccess(): Promise<number> {
  const roles = { public: { data: { Product: { read: true } } } };
  const node = await openTestNode('type Product @table { id: ID @primaryKey }', roles);
  const table = node.databases.table('data', 'Product');
  if (!table) throw new Error('no table');
  const access = accessTo(node.databases);
  const request = new Request('http://localhost/Product/1', { headers: { accept: '*/*', host: 'localhost' } });
  // Other headers are looked at anyway.
  const { headers } = request;
  let allowed = 0;
  const round = (calls: number): number => {
    const started = performance.now();
    for (let at = 0; at < calls; at++) {
      const hasCredentials = headers.has('authorization') || headers.has('cookie');
      if (!hasCredentials && access.grants(null).on(table.definition).read.isWhole) allowed++;
    }
    return ((performance.now() - started) * 1e6) / calls;
  };
  round(200_000);
  const ns = median(Array.from({ length: 7 }, () => round(200_000)));
  await node.close();
  if (allowed === 0) throw new Error('nothing was allowed');
  return ns;
}

/** So few that nobody has to wait. */
const guesses = 20;

/** One wrong guess for each user and for each name that is nobody's. */
async function wrongCredentials({ url }: Server): Promise<Row> {
  const ms = async (username: string): Promise<number> => {
    const credentials = Buffer.from(`${username}:wrong`).toString('base64');
    const started = performance.now();
    const { status } = await fetch(`${url}/Product/p-0001`, { headers: { authorization: `Basic ${credentials}` } });
    if (status !== 401) throw new Error(`Wrong credentials were answered ${status}`);
    return performance.now() - started;
  };
  const times = { name: [] as number[], password: [] as number[] };
  for (let at = 0; at < guesses; at++) {
    times.password.push(await ms(`user-${at}`));
    times.name.push(await ms(`nobody-${at}`));
  }
  const ratio = median(times.name) / median(times.password);
  return row({
    name: 'a wrong name, answered',
    unit: 'ms',
    runs: times.name,
    rival: { name: 'a wrong password', runs: times.password },
    targets: [{ of: 'ratio', bound: 'atLeast', limit: 0.8 }],
    note: ratio > 1.25 ? 'slower than a wrong password' : undefined,
  });
}
