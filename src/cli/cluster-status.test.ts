import { expect, test } from 'bun:test';
import type { PeerStatus } from '../cluster/index.ts';
import { statusTable } from './cluster-status.ts';

const nowMs = Date.UTC(2030, 0, 1);
const database = {
  database: 'data',
  connected: true,
  behind: 0,
  behindSeconds: 0,
  missing: 0,
  origins: {},
  equal: true,
  differences: [],
  comparedAt: nowMs,
};
const peer: PeerStatus = {
  id: 'id-2',
  name: 'db-2',
  address: '10.0.0.2:9933',
  shard: 0,
  version: '1',
  connected: true,
  connectedSince: nowMs - 3 * 3600_000,
  roundTripMs: 0.42,
  sentBytes: 1_500_000,
  receivedBytes: 999,
  queuedBytes: 0,
  lastError: null,
  databases: [database, { ...database, database: 'system', equal: null }],
};
const status = {
  enabled: true,
  cluster: 'shop-1',
  node: 'id-1',
  name: 'db-1',
  port: 9933,
  encrypted: true,
  authority: true,
  validUntil: nowMs,
  renewAt: nowMs,
  missingSeconds: 0,
  peers: [peer],
} as const;

test('members in columns, one line for each database', () => {
  expect(statusTable(status, nowMs)).toBe(
    [
      'Cluster shop-1, seen from db-1 (port 9933)',
      'Certificate valid until 2030-01-01',
      '',
      'member           connected  trip    database  behind  missing  equal  traffic',
      'db-2             3 h        0.4 ms  data      0       0        yes    999 B in',
      '  10.0.0.2:9933                     system    0       0        ?      1.5 MB out',
    ].join('\n'),
  );
});

test('a node nobody talks to any more is told so, and nothing of the others', () => {
  const excluded = 'The node db-1 (id-1) was removed from the cluster.';
  expect(statusTable({ ...status, excluded }, nowMs)).toEndWith(`Certificate valid until 2030-01-01\n\n${excluded}`);
});

test('what is wrong is said', () => {
  const away: PeerStatus = {
    ...peer,
    connected: false,
    connectedSince: null,
    lastError: { message: 'connect ECONNREFUSED', at: nowMs - 2_000 },
    databases: [{ ...database, behind: 812, behindSeconds: 95, equal: false, differences: ['Note'] }],
  };
  const table = statusTable({ ...status, encrypted: false, peers: [away] }, nowMs);
  expect(table).toContain('NOT ENCRYPTED');
  expect(table).toMatch(/db-2 +no +data +812 \(95 s\) +0 +NO: Note +999 B in\n +10\.0\.0\.2:9933 +1\.5 MB out/);
  expect(table).toContain('db-2: connect ECONNREFUSED (2 s ago)');
});

test.each([
  [{ ...status, peers: [] }, 'No other members'],
  [{ enabled: false } as const, 'zerohop cluster init'],
])('a node alone is told what to do', (given, said) => {
  expect(statusTable(given, nowMs)).toContain(said);
});
