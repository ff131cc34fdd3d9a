// Strangers at the replication port: what they may say, how much, and how many of them.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { ZerohopError } from '../base/index.ts';
import { type Channel, dialAsGuest, type Listener, overTls } from '../net/index.ts';
import { fingerprintOf, issueCertificate, type KeyAndCertificate, makeAuthority, makeRequest } from './certificates.ts';
import { type Admission, askMember, type GuestRequest, openGuestDoor } from './guest-door.ts';

const admission: Admission = {
  cluster: 'shop',
  certificate: 'C',
  authority: 'A',
  slots: { own: 3, from: 0, to: 0 },
  members: [],
};
const join = {
  type: 'join',
  secret: 's',
  request: 'R',
  node: 'b',
  name: 'b',
  host: '',
  port: 1,
  dialled: '',
  databases: [],
} as const;

let authority: KeyAndCertificate;
let listener: Listener;
let refused: string[];
let asked: GuestRequest[];

beforeEach(async () => {
  authority = await makeAuthority('shop', Date.now());
  const { key, request } = await makeRequest('a');
  const certificate = await issueCertificate(authority, request, { cluster: 'shop', node: 'a', nowMs: Date.now() });
  [refused, asked] = [[], []];
  listener = await overTls(() => ({ key, certificate, authorities: [authority.certificate] })).listen({
    host: '127.0.0.1',
    port: 0,
    opened: () => {
      throw new Error('a guest was taken for a member');
    },
    guest: openGuestDoor({
      authority: authority.certificate,
      admit: async (given) => {
        asked.push(given);
        if (given.type === 'renew') throw new ZerohopError('FORBIDDEN', 'not you');
        return admission;
      },
      refused: (_address, reason) => void refused.push(reason),
    }),
    refused: (_address, reason) => void refused.push(reason),
  });
});
afterEach(() => listener.close());

const ask = (request: GuestRequest, pin = fingerprintOf(authority.certificate)) =>
  askMember({ host: '127.0.0.1', port: listener.port, authority: pin, request, nowMs: Date.now() });

test('who asks well is answered', async () => {
  expect(await ask(join)).toEqual(admission);
  expect(asked).toEqual([join]);
});

test('who is refused hears why, and so does the log', async () => {
  await expect(ask({ type: 'renew', request: 'R', certificate: 'C', signature: 'S' })).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: 'not you',
  });
  while (refused.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(refused).toEqual(['not you']);
});

test('nothing is told to a node of another authority', async () => {
  const other = await makeAuthority('shop', Date.now());
  await expect(ask(join, fingerprintOf(other.certificate))).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await ask(join);
  expect(asked.length).toBe(1);
});

/** Says something as a guest; what came back after the first line. */
function say(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    dialAsGuest({
      host: '127.0.0.1',
      port: listener.port,
      timeoutMs: 5_000,
      refused: reject,
      opened: (channel: Channel) => {
        channel.send(new TextEncoder().encode(text));
        return {
          bytes: (chunk) => {
            heard += new TextDecoder().decode(chunk);
          },
          closed: () => resolve(heard.slice(heard.indexOf('\n') + 1)),
        };
      },
    });
  });
}

test.each([
  ['no JSON', 'GET / HTTP/1.1\n'],
  ['JSON that asks for nothing', '{}\n'],
  ['null', 'null\n'],
  ['a request with fields of other types', `${JSON.stringify({ ...join, databases: null })}\n`],
])('%s is answered with what is expected', async (_what, text) => {
  expect(await say(text)).toContain('must be a node of the same version');
  expect(asked).toEqual([]);
});

test('a line that does not end is cut off', async () => {
  expect(await say('x'.repeat(300_000))).toBe('');
});

test('more guests than the door holds are turned away', async () => {
  const held: Channel[] = [];
  const open = () =>
    new Promise<void>((resolve, reject) => {
      dialAsGuest({
        host: '127.0.0.1',
        port: listener.port,
        timeoutMs: 5_000,
        refused: (reason) => reject(new Error(reason)),
        opened: (channel) => {
          held.push(channel);
          return { bytes: () => resolve(), closed: () => resolve() };
        },
      });
    });
  await Promise.all(Array.from({ length: 32 }, open));
  await open();
  expect(refused).toEqual(['Too many nodes ask to join at the same time.']);
  for (const channel of held) channel.close();
});
