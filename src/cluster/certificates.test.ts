// Certificates made here, tried on real connections: who gets in, who is refused before anything passes, and with which words.

import { afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { type Channel, type Listener, overTls } from '../net/index.ts';
import {
  certificateDays,
  identityFrom,
  issueCertificate,
  type KeyAndCertificate,
  makeAuthority,
  makeRequest,
  renewalMs,
} from './certificates.ts';

const dayMs = 24 * 3600 * 1000;
let authority: KeyAndCertificate;
let stranger: KeyAndCertificate;
let listener: Listener | undefined;

beforeAll(async () => {
  authority = await makeAuthority('shop', Date.now());
  stranger = await makeAuthority('shop', Date.now());
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

async function member(node: string, by = authority, nowMs = Date.now()): Promise<KeyAndCertificate> {
  const { key, request } = await makeRequest(node);
  return { key, certificate: await issueCertificate(by, request, { cluster: 'shop', node, nowMs }) };
}

interface Met {
  readonly server: string;
  readonly client: string;
}

/** Connects two; what each says of the other. An echo goes there and back where both accept. */
async function meet(server: KeyAndCertificate, client: KeyAndCertificate, trusted = authority): Promise<Met> {
  const authorities = [authority.certificate];
  const served = Promise.withResolvers<string>();
  const dialled = Promise.withResolvers<string>();
  listener = await overTls(() => ({ ...server, authorities })).listen({
    host: '127.0.0.1',
    port: 0,
    opened: (channel) => ({
      bytes: (chunk) => {
        served.resolve(`met ${identityFrom(channel.subjectAltNames)?.node}`);
        channel.send(chunk);
      },
      closed: (reason) => served.resolve(reason),
    }),
    refused: (_address, reason) => served.resolve(reason),
  });
  overTls(() => ({ ...client, authorities: [trusted.certificate] })).dial({
    host: '127.0.0.1',
    port: listener.port,
    timeoutMs: 5000,
    opened: (channel: Channel) => {
      channel.send(new TextEncoder().encode('hello'));
      return {
        bytes: (chunk) => {
          dialled.resolve(`met ${identityFrom(channel.subjectAltNames)?.node}: ${new TextDecoder().decode(chunk)}`);
          channel.close();
        },
        closed: (reason) => dialled.resolve(reason),
      };
    },
    refused: (reason) => dialled.resolve(reason),
  });
  return { server: await served.promise, client: await dialled.promise };
}

describe('two nodes', () => {
  test('of one cluster meet, and know each other by their certificates', async () => {
    expect(await meet(await member('a'), await member('b/ä'))).toEqual({ server: 'met b/ä', client: 'met a: hello' });
  });

  test('a certificate of another authority is refused', async () => {
    const { server } = await meet(await member('a'), await member('b', stranger));
    expect(server).toContain('The certificate of b is not accepted');
  });

  test('an expired certificate is refused', async () => {
    const old = await member('b', authority, Date.now() - (certificateDays + 1) * dayMs);
    const { server } = await meet(await member('a'), old);
    expect(server).toContain('The certificate of b is not accepted: CERT_HAS_EXPIRED');
  });

  test('a peer without a certificate is refused', async () => {
    const { server } = await meet(await member('a'), { key: '', certificate: '' });
    expect(server).toContain('a peer without a certificate');
  });

  test('a server of another authority is refused by the client', async () => {
    const { client } = await meet(await member('a', stranger), await member('b'));
    expect(client).toContain('The certificate of a is not accepted');
  });
});

describe('requests', () => {
  const given = { cluster: 'shop', node: 'b', nowMs: 0 };
  test.each([
    ['of another node', async () => (await makeRequest('c')).request],
    [
      'that are not readable',
      async () => '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----',
    ],
    ['that are nothing', async () => ''],
  ])('%s are refused', async (_what, request) => {
    await expect(issueCertificate(authority, await request(), given)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
  });
});

test('a certificate is renewed after two thirds of its life', async () => {
  const now = Date.UTC(2030, 0, 1);
  const { certificate } = await member('a', authority, now);
  expect(Math.round((renewalMs(certificate) - now) / dayMs)).toBe((certificateDays * 2) / 3);
});

test.each([
  [undefined, undefined],
  ['DNS:a.example, URI:https://x/y', undefined],
  ['URI:zerohop://%/n1', undefined],
  ['DNS:a.example, URI:zerohop://c1/n1', { cluster: 'c1', node: 'n1' }],
])('%s names %o', (names, identity) => {
  expect(identityFrom(names)).toEqual(identity);
});
