import { expect, test } from 'bun:test';
import { Troubles } from './troubles.ts';

function logged(): { readonly lines: string[]; readonly troubles: Troubles } {
  const lines: string[] = [];
  const clock = { nowMs: () => 5 };
  const troubles = new Troubles(
    (level, message) => void lines.push(`${level}: ${message}`),
    clock,
    (id) => id.toUpperCase(),
  );
  return { lines, troubles };
}

test('what stays wrong is logged once, and again when it is wrong anew', () => {
  const { lines, troubles } = logged();
  const refused = { type: 'refused', address: '10.0.0.2:9933', peer: 'b', reason: 'gone' } as const;
  troubles.link(refused);
  troubles.link(refused);
  troubles.link({ type: 'connected', peer: 'b', address: '10.0.0.2:9933' });
  troubles.link(refused);
  expect(lines).toEqual([
    'warn: No connection with B (10.0.0.2:9933): gone',
    'info: Connected to B (10.0.0.2:9933).',
    'warn: No connection with B (10.0.0.2:9933): gone',
  ]);
  expect(troubles.of('b')).toEqual({ message: 'gone', atMs: 5 });
});

test.each([
  ['REPLACED', []],
  ['STOPPING', []],
  ['CLOCK_AHEAD', ['warn: Replication of data with B broke off: 61000 ms ahead (CLOCK_AHEAD)']],
] as const)('a conversation that ends with %s says %j', (code, said) => {
  const { lines, troubles } = logged();
  troubles.conversation('data', { type: 'closed', peer: 'b', code, reason: '61000 ms ahead' });
  expect(lines).toEqual([...said]);
});

test('a table that differs is an error', () => {
  const { lines, troubles } = logged();
  troubles.conversation('data', { type: 'diverged', peer: 'b', table: 'Note' });
  expect(lines).toEqual([
    'error: The table data.Note differs from that of B although both have the same transactions.',
  ]);
  expect(troubles.of('b')?.message).toBe('data.Note differs');
});

test.each([
  ['The peer closed the connection.', undefined],
  ['This node closed the connection.', undefined],
  ['read ECONNRESET', 'read ECONNRESET'],
  ['The node b was removed from the cluster.', 'The node b was removed from the cluster.'],
])('a connection that ended with %j and was made anew leaves as the last error %j', (reason, error) => {
  const { lines, troubles } = logged();
  troubles.link({ type: 'disconnected', peer: 'b', reason });
  troubles.link({ type: 'connected', peer: 'b', address: '10.0.0.2:9933' });
  expect(troubles.of('b')?.message).toBe(error);
  expect(lines[0]).toBe(`info: Disconnected from B: ${reason}`);
});

test('why a conversation ended is not covered by the end of its connection', () => {
  const { troubles } = logged();
  troubles.conversation('data', { type: 'closed', peer: 'b', code: 'CLOCK_AHEAD', reason: '61000 ms ahead' });
  troubles.link({ type: 'disconnected', peer: 'b', reason: 'This node closed the connection.' });
  expect(troubles.of('b')?.message).toBe('data: 61000 ms ahead (CLOCK_AHEAD)');
});
