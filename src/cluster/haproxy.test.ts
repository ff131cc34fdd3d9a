// Who comes first in the configuration of an HAProxy; that HAProxy takes it, test/cluster/haproxy.test.ts shows.

import { expect, test } from 'bun:test';
import { type Backend, haproxyConfig } from './haproxy.ts';

const backend = (name: string, more: Partial<Backend> = {}): Backend => ({
  name,
  host: `${name}.example.com`,
  http: 9926,
  tls: false,
  agent: 9927,
  region: '',
  roundTripMs: undefined,
  ...more,
});

const serversOf = (members: readonly Backend[], region = '') =>
  haproxyConfig(members, { cluster: 'shop-1', region, bind: ':80', caFile: '/etc/ca.pem' })
    .split('\n')
    .flatMap((line) => (/^ {4}(server|# \S+ is left)/.test(line) ? [line.trim()] : []));

test('without regions all are alike; without an agent, only their health counts', () => {
  expect(serversOf([backend('a'), backend('b', { agent: 0, host: '::1' })])).toEqual([
    'server a a.example.com:9926 weight 100 agent-check agent-port 9927',
    'server b [::1]:9926 weight 100',
  ]);
});

test('members that speak HTTPS are asked by it: by name where they have one', () => {
  const members = [backend('a', { tls: true }), backend('b', { tls: true, host: '10.0.0.2', agent: 0 }), backend('c')];
  const verified = 'ssl verify required ca-file /etc/ca.pem';
  expect(serversOf(members)).toEqual([
    `server a a.example.com:9926 weight 100 ${verified} sni str(a.example.com) check-sni a.example.com verifyhost a.example.com agent-check agent-port 9927`,
    `server b 10.0.0.2:9926 weight 100 ${verified}`,
    'server c c.example.com:9926 weight 100 agent-check agent-port 9927',
  ]);
});

test('the region comes first; of the others the nearest has the most weight', () => {
  const members = [
    backend('a', { region: 'eu' }),
    backend('b', { region: 'us', roundTripMs: 80 }),
    backend('c', { region: 'asia', roundTripMs: 200 }),
    backend('d', { region: 'asia' }),
  ];
  expect(serversOf(members, 'eu')).toEqual([
    'server a a.example.com:9926 weight 100 agent-check agent-port 9927 # eu',
    'server b b.example.com:9926 weight 100 agent-check agent-port 9927 backup # us',
    'server c c.example.com:9926 weight 40 agent-check agent-port 9927 backup # asia',
    'server d d.example.com:9926 weight 1 agent-check agent-port 9927 backup # asia',
  ]);
  // Asked for a region that has nobody who can be reached.
  expect(serversOf(members.slice(1), 'eu').filter((line) => line.includes('backup'))).toEqual([]);
});

test('names are made fit; who has no port that others can know is left out, and said', () => {
  expect(serversOf([backend('db 1\n    server evil', { host: 'db-1' }), backend('c', { http: 0 })])).toEqual([
    'server db_1_____server_evil db-1:9926 weight 100 agent-check agent-port 9927',
    '# c is left out: it does not say where its application is (http.port, replication.address).',
  ]);
});
