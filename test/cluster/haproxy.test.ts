// HAProxy before three members, with the configuration they print: members are killed, stopped and put into maintenance under load, and no
// GET fails.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { haproxyPath } from '../../tools/requirements.ts';
import { Authority } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TestCluster } from './cluster.ts';
import { Haproxy } from './haproxy.ts';

setDefaultTimeout(60_000);

const haproxy = haproxyPath();

/** GETs without a pause until told to stop; all that was not answered as it should be. */
class Readers {
  readonly failures: string[] = [];
  answered = 0;
  #isOver = false;
  readonly #running: readonly Promise<void>[];

  constructor(url: string, count: number) {
    this.#running = Array.from({ length: count }, () => this.#read(url));
  }

  async #read(url: string): Promise<void> {
    while (!this.#isOver) {
      try {
        const response = await fetch(url);
        const body = await response.text();
        if (response.status !== 200 || !body.includes('"id":"x"')) this.failures.push(`${response.status} ${body}`);
        else this.answered++;
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }

  /** Resolves when this many more were answered. */
  goOn(count: number): Promise<void> {
    const enough = this.answered + count;
    return until(`${count} more GETs are answered`, () => this.answered >= enough || this.failures.length > 0);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }
}

async function startServed(names: readonly string[], regions: Readonly<Record<string, string>> = {}) {
  const ports = new Map(names.map((name) => [name, { http: freePort(), agent: freePort() }]));
  const settings = (name: string): Record<string, string> => ({
    HTTP_PORT: String(ports.get(name)?.http),
    AGENT_PORT: String(ports.get(name)?.agent),
    AGENT_HOST: '127.0.0.1',
    ...(regions[name] !== undefined && { REPLICATION_REGION: regions[name] }),
  });
  const cluster = await TestCluster.start({ app: 'cluster', threads: 1, settings }, names);
  return { cluster, agentOf: (name: string) => ports.get(name)?.agent ?? 0 };
}

/** What a member prints when it knows of all. */
async function configOf(cluster: TestCluster, by: string, port: number, more: object = {}): Promise<string> {
  const asked = { bind: `127.0.0.1:${port}`, ...more };
  let config = '';
  await until('all members have said where they are', async () => {
    config = await cluster.member(by).operation<string>('cluster_haproxy', asked);
    return cluster.members.every(({ name }) => config.includes(`server ${name} `));
  });
  return config;
}

/** The agent's line. */
async function lineOf(port: number): Promise<string> {
  return text(connect({ host: '127.0.0.1', port }));
}

test.skipIf(haproxy === undefined)(
  `members come and go, and no GET fails${haproxy === undefined ? ' (skipped: there is no HAProxy: apt-get install haproxy)' : ''}`,
  async () => {
    const started = await startServed(['a', 'b', 'c']);
    await using cluster = started.cluster;
    await cluster.member('a').write('PUT', '/Note/x', { id: 'x' });
    await cluster.settled();
    const port = freePort();
    await using balancer = await Haproxy.start(haproxy ?? '', await configOf(cluster, 'a', port), port);
    await balancer.hears('a', 'b', 'c');
    const readers = new Readers(`${balancer.url}/Note/x`, 8);
    await readers.goOn(200);
    // Killed: what was sent to it goes to another.
    await cluster.member('c').kill9();
    await readers.goOn(200);
    await balancer.isSeen('c', 'DOWN');
    // Stopped in order: HAProxy hears of it while it still serves.
    const stopped = cluster.member('b').stop();
    await balancer.isSeen('b', 'DRAIN');
    await stopped;
    await readers.goOn(200);
    await cluster.member('c').start();
    await balancer.isSeen('c', 'UP');
    // In maintenance until told otherwise, while the node goes on.
    await cluster.member('a').operation('cluster_maintenance', { on: true });
    await balancer.isSeen('a', 'MAINT');
    await readers.goOn(200);
    expect(await cluster.member('a').get('/Note/x')).toBeDefined();
    await cluster.member('a').operation('cluster_maintenance', { on: false });
    await balancer.isSeen('a', 'UP');
    await readers.end();
    expect(readers.failures).toEqual([]);
  },
);

test.skipIf(haproxy === undefined)('members of the region first, others when none is up', async () => {
  const { cluster: begun } = await startServed(['a', 'b'], { a: 'eu', b: 'us' });
  await using cluster = begun;
  await cluster.member('a').write('PUT', '/Note/x', { id: 'x' });
  await cluster.settled();
  const port = freePort();
  await using balancer = await Haproxy.start(haproxy ?? '', await configOf(cluster, 'a', port, { region: 'us' }), port);
  await balancer.hears('a', 'b');
  const readers = new Readers(`${balancer.url}/Note/x`, 4);
  await readers.goOn(50);
  await cluster.member('b').kill9();
  await readers.goOn(50);
  await readers.end();
  expect(readers.failures).toEqual([]);
  await expect(cluster.member('a').operation('cluster_haproxy', { region: 'asia' })).rejects.toThrow(
    'No member is of the region asia. There are: eu, us.',
  );
});

test.skipIf(haproxy === undefined)(
  'members that speak HTTPS are asked by it, if their certificates are good',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zerohop-haproxy-tls-'));
    try {
      const [own, foreign] = [await Authority.make(folder, 'own'), await Authority.make(folder, 'foreign')];
      const certificates = {
        a: await own.issue('localhost'),
        b: await foreign.issue('localhost'),
        c: await own.issue('elsewhere.example'),
      };
      const ports = new Map(Object.keys(certificates).map((name) => [name, freePort()]));
      await using cluster = await TestCluster.start(
        {
          app: 'cluster',
          tls: { rejectUnauthorized: false },
          settings: (name) => ({
            HTTP_PORT: String(ports.get(name)),
            REPLICATION_ADDRESS: 'localhost',
            TLS_CERTIFICATE: certificates[name as keyof typeof certificates].certificate,
            TLS_KEY: certificates[name as keyof typeof certificates].key,
          }),
        },
        Object.keys(certificates),
      );
      const port = freePort();
      const config = await configOf(cluster, 'a', port, { ca_file: own.path });
      await using balancer = await Haproxy.start(haproxy ?? '', config, port);
      for (const name of ['b', 'c']) await balancer.isSeen(name, 'DOWN');
      await balancer.isSeen('a', 'UP');
      const id = 'x';
      const written = await fetch(`${balancer.url}/Note/${id}`, { method: 'PUT', body: JSON.stringify({ id }) });
      expect(written.status).toBe(204);
      expect(await (await fetch(`${balancer.url}/Note/${id}`)).json()).toMatchObject({ id });
      await expect(cluster.member('a').operation('cluster_haproxy', { ca_file: 'x verify none' })).rejects.toThrow(
        '"ca_file" is a file',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test('the agent says what is so: alone, unavailable, in maintenance', async () => {
  const { cluster: begun, agentOf } = await startServed(['a', 'b']);
  await using cluster = begun;
  const a = cluster.member('a');
  const says = (line: RegExp) => until(`a says ${line}`, async () => line.test(await lineOf(agentOf('a'))));
  await says(/^up ready (100|[1-9]\d)%\n$/);
  await a.operation('set_status', { id: 'availability', status: 'Unavailable' });
  await says(/^drain\n$/);
  await a.operation('clear_status', { id: 'availability' });
  await a.operation('cluster_maintenance', { on: true });
  await says(/^maint\n$/);
  await a.operation('cluster_maintenance', { on: false });
  await cluster.member('b').kill9();
  await says(/^up ready (10|\d)%\n$/);
  await expect(a.operation('cluster_maintenance', { on: 'yes' })).rejects.toThrow('"on": true or false');
});
