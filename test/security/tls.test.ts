// HTTPS and certificates of clients, on the connections of running nodes.

import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { freePort } from '../support/free-port.ts';
import { runNode, startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';
import { operate } from './callers.ts';

setDefaultTimeout(30_000);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 3600 * 1000;
let folder: string;
let files: Record<'certificate' | 'key' | 'authority', string>;
let authority: Issued;
let stranger: Issued;
const clients = new Map<string, { cert: string; key: string }>();

interface Issued {
  readonly keys: CryptoKeyPair;
  readonly certificate: x509.X509Certificate;
  readonly cert: string;
  readonly key: string;
}

async function issue(name: string, by?: Issued, days = 1): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const times = { notBefore: new Date(Date.now() - 9 * dayMs), notAfter: new Date(Date.now() + days * dayMs) };
  const common = { serialNumber: crypto.randomUUID().replaceAll('-', '').slice(0, 15), signingAlgorithm: algorithm };
  const certificate = by
    ? await x509.X509CertificateGenerator.create({
        ...common,
        ...times,
        subject: [{ CN: [name] }],
        issuer: by.certificate.subject,
        publicKey: keys.publicKey,
        signingKey: by.keys.privateKey,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'email', value: `${name}@shop.example` }])],
      })
    : await x509.X509CertificateGenerator.createSelfSigned({
        ...common,
        ...times,
        name: [{ CN: [name] }],
        keys,
        extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
      });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
  return { keys, certificate, cert: certificate.toString('pem'), key };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-tls-'));
  authority = await issue('The authority');
  stranger = await issue('The authority');
  const server = await issue('server', authority);
  files = { certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem'), authority: join(folder, 'a.pem') };
  writeFileSync(files.certificate, server.cert);
  writeFileSync(files.key, server.key);
  writeFileSync(files.authority, authority.cert);
  for (const name of ['reader', 'nothing', 'nobody', 'idle']) clients.set(name, await issue(name, authority));
  clients.set('forged', await issue('reader', stranger));
  clients.set('expired', await issue('reader', authority, -1));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = () => ({ TLS_CERTIFICATE: files.certificate, TLS_KEY: files.key, AUTHORIZE_LOCAL: 'false' });
const shown = (name?: string) => {
  const { cert, key } = clients.get(name ?? '') ?? {};
  return { rejectUnauthorized: false, ...(cert && key && { cert, key }) };
};

async function ask(url: string, who?: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { ...init, keepalive: false, tls: shown(who) }).catch(() => undefined);
  return { status: response?.status ?? 0, text: (await response?.text()) ?? '' };
}

const operationAs = (node: TestNode, who?: string) =>
  ask(`${node.operationsUrl}/`, who, { method: 'POST', body: '{"operation":"user_info"}' });

async function furnish(node: TestNode): Promise<void> {
  await operate(node, { operation: 'insert', table: 'Item', records: [{ id: '1', name: 'a' }] });
  const reads = { data: { tables: { Item: { read: true } } } };
  await operate(node, { operation: 'add_role', role: 'reader', permission: reads });
  await operate(node, { operation: 'add_role', role: 'nothing', permission: { data: { tables: {} } } });
  for (const [username, role] of [
    ['reader', 'reader'],
    ['nothing', 'nothing'],
    ['idle', 'reader'],
    ['reader@shop.example', 'reader'],
  ])
    await operate(node, { operation: 'add_user', username, password: 'correct horse', role });
  await operate(node, { operation: 'alter_user', username: 'idle', active: false });
}

describe.each([0, 2])('certificates of clients that may be shown, with %i threads', (threads) => {
  let node: TestNode;
  beforeAll(async () => {
    const more = { TLS_AUTHORITY: files.authority, TLS_CLIENTS: 'optional' };
    node = await startNode({ app: 'security', threads, settings: { ...settings(), ...more }, tls: shown() });
    await furnish(node);
  });
  afterAll(() => node?.[Symbol.asyncDispose]());

  test.each<[string | undefined, number, RegExp, number]>([
    ['reader', 200, /"name":"a"/, 200],
    [undefined, 401, /UNAUTHENTICATED/, 401],
    ['nothing', 403, /FORBIDDEN/, 200],
    ['nobody', 401, /no active user of the name/, 401],
    ['idle', 401, /no active user of the name/, 401],
    ['forged', 401, /does not count here: /, 401],
    ['expired', 401, /does not count here: CERT_HAS_EXPIRED/, 401],
  ])('%s', async (who, status, text, operationStatus) => {
    const answer = await ask(`${node.url}/Item/1`, who);
    expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(text)]);
    const operation = await operationAs(node, who);
    expect([operation.status, operation.text]).toEqual([operationStatus, expect.any(String)]);
  });

  test('one that does not count is not for public pages either, and credentials beside it do not help', async () => {
    const headers = { authorization: `Basic ${Buffer.from('reader:correct horse').toString('base64')}` };
    expect((await ask(`${node.url}/Item/1`, undefined, { headers })).status).toBe(200);
    expect((await ask(`${node.url}/Item/1`, 'forged', { headers })).status).toBe(401);
    expect((await ask(`${node.url}/Maker/`, undefined)).status).toBe(200);
    expect((await ask(`${node.url}/Maker/`, 'nobody')).status).toBe(401);
  });

  test('connections of two users at a time are not taken for each other', async () => {
    const asked = Array.from({ length: 40 }, (_, index) => (index % 2 ? 'reader' : 'nothing'));
    const statuses = await Promise.all(
      asked.map(async (who) => (await fetch(`${node.url}/Item/1`, { tls: shown(who) })).status),
    );
    expect(statuses).toEqual(asked.map((who) => (who === 'reader' ? 200 : 403)));
  });
});

test('certificates that clients must show: without one that is right nothing is answered', async () => {
  const more = { TLS_AUTHORITY: files.authority, TLS_CLIENTS: 'required', TLS_CLIENT_NAME: 'email' };
  await using node = await startNode({
    app: 'security',
    threads: 1,
    settings: { ...settings(), ...more },
    tls: shown('reader'),
  });
  await furnish(node);
  for (const [who, status] of [
    ['reader', 200],
    [undefined, 0],
    ['forged', 0],
    ['expired', 0],
    ['nothing', 401],
  ] as const) {
    expect([who, (await ask(`${node.url}/Item/1`, who)).status]).toEqual([who, status]);
    expect([who, (await operationAs(node, who)).status]).toEqual([who, status]);
  }
});

test('HTTPS: from TLS 1.2 on, browsers are told to stay with it, and plain HTTP is sent on', async () => {
  const redirectPort = freePort();
  await using node = await startNode({
    app: 'security',
    threads: 2,
    settings: { ...settings(), TLS_HSTS_SECONDS: '600', TLS_REDIRECT_PORT: String(redirectPort) },
    tls: shown(),
  });
  const { headers } = await fetch(`${node.url}/Item/1`, { tls: shown() });
  expect(headers.get('strict-transport-security')).toBe('max-age=600');
  const sent = await fetch(`http://127.0.0.1:${redirectPort}/Item/?a=b`, { redirect: 'manual' });
  expect([sent.status, sent.headers.get('location')]).toEqual([308, `${node.url}/Item/?a=b`]);
  const versionOf = (version: SecureVersion) =>
    new Promise((resolve) => {
      const options = { port: node.port, rejectUnauthorized: false, minVersion: version, maxVersion: version };
      const socket = connectTls(options, () => {
        resolve(socket.getProtocol());
        socket.destroy();
      });
      socket.on('error', () => resolve('refused'));
    });
  expect([await versionOf('TLSv1.1'), await versionOf('TLSv1.2'), await versionOf('TLSv1.3')]).toEqual([
    'refused',
    'TLSv1.2',
    'TLSv1.3',
  ]);
});

test.each(['none', 'optional'])('files that change count for new connections, clients: %s', async (clientsShow) => {
  const own = { certificate: join(folder, `${clientsShow}-c.pem`), key: join(folder, `${clientsShow}-k.pem`) };
  copyFileSync(files.certificate, own.certificate);
  copyFileSync(files.key, own.key);
  const more = { TLS_CERTIFICATE: own.certificate, TLS_KEY: own.key, TLS_CLIENTS: clientsShow };
  await using node = await startNode({
    app: 'security',
    threads: 1,
    settings: { ...settings(), ...more, TLS_AUTHORITY: files.authority },
    tls: shown(),
  });
  const nameAt = (port: number) =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port, rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const ports = [node.port, Number(new URL(node.operationsUrl).port)];
  expect(await Promise.all(ports.map(nameAt))).toEqual(['server', 'server']);
  writeFileSync(own.key, 'not a key');
  await node.output.match(/TLS goes on as it was: tls\.key: \S+ holds no private key/);
  expect(await Promise.all(ports.map(nameAt))).toEqual(['server', 'server']);
  const next = await issue('next', authority);
  writeFileSync(own.certificate, next.cert);
  writeFileSync(own.key, next.key);
  await until('both ports have it', async () => (await Promise.all(ports.map(nameAt))).every((one) => one === 'next'));
});

test('what does not fit is said in a line, before anything listens', async () => {
  const other = join(folder, 'other-key.pem');
  writeFileSync(other, (await issue('other', authority)).key);
  const data = join(folder, 'data');
  for (const [more, message] of [
    [{ TLS_KEY: join(folder, 'absent.pem') }, /tls\.key: there is no file \S+absent\.pem\./],
    [{ TLS_KEY: other }, /tls\.certificate and tls\.key do not belong together/],
    [{ TLS_CERTIFICATE: files.key }, /tls\.certificate: \S+ holds no certificate in PEM/],
    [{ TLS_CERTIFICATE: '' }, /needs both tls\.certificate and tls\.key/],
    [{ TLS_CLIENTS: 'required' }, /tls\.clients needs tls\.authority/],
  ] as const) {
    const { code, text } = await runNode({ app: 'security', data, settings: { ...settings(), ...more } });
    expect([code, text]).toEqual([1, expect.stringMatching(message)]);
    expect(text.trim().split('\n').length).toBeLessThan(3);
  }
});
