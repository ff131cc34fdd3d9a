// Who is a member: certificates by the cluster's own authority. A node's certificate names cluster and node in a URI, `zerohop://CLUSTER/NODE`
// (subjectAltName, RFC 5280 §4.2.1.6), and is good for both ends of a connection. Keys are ECDSA P-256; what leaves a node is a request, never
// its key.

import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { ZerohopError } from '../base/index.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 3600 * 1000;
/** Clocks of nodes may differ by this much; by a third of its life, for a certificate that is to last shortly. */
const skewMs = 10 * 60_000;
const authorityDays = 20 * 365;
export const certificateDays = 90;

/** As PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** Makes the authority of a new cluster. */
export async function makeAuthority(cluster: string, nowMs: number): Promise<KeyAndCertificate> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [`Zerohop ${cluster}`] }],
    notBefore: new Date(nowMs - skewMs),
    notAfter: new Date(nowMs + authorityDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: await keyToPem(keys.privateKey), certificate: certificate.toString('pem') };
}

/** A new key of a node, and the request for its certificate, which shows that the node has the key. */
export async function makeRequest(node: string): Promise<{ readonly key: string; readonly request: string }> {
  const keys = await makeKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [node] }],
    keys,
    signingAlgorithm: algorithm,
  });
  return { key: await keyToPem(keys.privateKey), request: request.toString('pem') };
}

export interface CertificateTerms {
  readonly cluster: string;
  readonly node: string;
  readonly nowMs: number;
  /** `certificateDays` by default. */
  readonly lifeMs?: number;
}

/** Signs a node's request. Throws INVALID_REQUEST for one that is not readable, not signed by its key, or of another node. */
export async function issueCertificate(
  authority: KeyAndCertificate,
  request: string,
  { cluster, node, nowMs, lifeMs = certificateDays * dayMs }: CertificateTerms,
): Promise<string> {
  const asked = await readRequest(request);
  const [name] = asked.subjectName.getField('CN');
  if (name !== node)
    throw new ZerohopError('INVALID_REQUEST', `The certificate request is for "${name}", not for the node "${node}".`);
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [node] }],
    issuer: issuer.subject,
    notBefore: new Date(nowMs - Math.min(skewMs, lifeMs / 3)),
    notAfter: new Date(nowMs + lifeMs),
    signingAlgorithm: algorithm,
    publicKey: asked.publicKey,
    signingKey: await keyFromPem(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: identityUri(cluster, node) }]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return certificate.toString('pem');
}

/** SHA-256 of a certificate, in hexadecimal. `certificate`: PEM or DER. */
export function fingerprintOf(certificate: string | Uint8Array): string {
  const bytes = typeof certificate === 'string' ? new x509.X509Certificate(certificate).rawData : certificate;
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex');
}

/** Whose certificate it is, if `authority` has signed it and it is valid now. */
export async function identityIn(
  certificate: string | Uint8Array<ArrayBuffer>,
  authority: string,
  nowMs: number,
): Promise<{ readonly cluster: string; readonly node: string } | undefined> {
  try {
    const { publicKey } = new x509.X509Certificate(authority);
    const read = new x509.X509Certificate(certificate);
    if (!(await read.verify({ publicKey, date: new Date(nowMs) }))) return undefined;
    const names = read.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
    return identityFrom(names.map(({ value }) => `URI:${value}`).join(', '));
  } catch {
    return undefined;
  }
}

/** Signs a text with a node's key; `isSignedBy` checks it by the node's certificate. Base64. */
export async function signText(text: string, key: string): Promise<string> {
  const signature = await crypto.subtle.sign(algorithm, await keyFromPem(key), new TextEncoder().encode(text));
  return Buffer.from(signature).toString('base64');
}

export async function isSignedBy(text: string, signature: string, certificate: string): Promise<boolean> {
  const key = await new x509.X509Certificate(certificate).publicKey.export(algorithm, ['verify']);
  return crypto.subtle.verify(algorithm, key, Buffer.from(signature, 'base64'), new TextEncoder().encode(text));
}

/** When a certificate is valid, in ms since 1970. */
export function lifeOf(certificate: string): { readonly fromMs: number; readonly untilMs: number } {
  const { notBefore, notAfter } = new x509.X509Certificate(certificate);
  return { fromMs: notBefore.getTime(), untilMs: notAfter.getTime() };
}

/** When a node's certificate is to be replaced: after two thirds of its life. */
export function renewalMs(certificate: string): number {
  const { notBefore, notAfter } = new x509.X509Certificate(certificate);
  return notBefore.getTime() + ((notAfter.getTime() - notBefore.getTime()) * 2) / 3;
}

/** What a certificate of a member says; undefined for any other. `subjectAltNames`: as Node gives them, "URI:…, DNS:…". */
export function identityFrom(
  subjectAltNames: string | undefined,
): { readonly cluster: string; readonly node: string } | undefined {
  for (const name of (subjectAltNames ?? '').split(', ')) {
    const [, cluster, node] = /^URI:"?zerohop:\/\/([^/"]+)\/([^/"]+)"?$/.exec(name) ?? [];
    if (cluster === undefined || node === undefined) continue;
    try {
      return { cluster: decodeURIComponent(cluster), node: decodeURIComponent(node) };
    } catch {
      // A URI that is not well made names nobody.
    }
  }
  return undefined;
}

function identityUri(cluster: string, node: string): string {
  return `zerohop://${encodeURIComponent(cluster)}/${encodeURIComponent(node)}`;
}

async function readRequest(request: string): Promise<x509.Pkcs10CertificateRequest> {
  try {
    const asked = new x509.Pkcs10CertificateRequest(request);
    if (await asked.verify()) return asked;
  } catch {
    // Said below.
  }
  throw new ZerohopError('INVALID_REQUEST', 'The certificate request is not readable, or not signed by its own key.');
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function keyToPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function keyFromPem(pem: string): Promise<CryptoKey> {
  const [bytes = new ArrayBuffer()] = x509.PemConverter.decode(pem);
  return crypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
}

/** 127 random bits, positive (RFC 5280 §4.1.2.2). */
function newSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return Buffer.from(bytes).toString('hex');
}
