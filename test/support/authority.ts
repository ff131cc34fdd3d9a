// An authority of certificates for the doors of nodes, as files.

import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 3600 * 1000;

export class Authority {
  /** PEM, as a file. */
  readonly path: string;
  readonly #folder: string;
  readonly #keys: CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  static async make(folder: string, name: string): Promise<Authority> {
    const keys = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...common(),
      name: [{ CN: [name] }],
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
    });
    return new Authority(folder, name, keys, certificate);
  }

  private constructor(folder: string, name: string, keys: CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#folder = folder;
    this.#keys = keys;
    this.#certificate = certificate;
    this.path = join(folder, `${name}.ca.pem`);
    writeFileSync(this.path, certificate.toString('pem'));
  }

  /** A certificate for a host, and its key: names of files. */
  async issue(host: string): Promise<{ readonly certificate: string; readonly key: string }> {
    const keys = await makeKeys();
    const issued = await x509.X509CertificateGenerator.create({
      ...common(),
      subject: [{ CN: [host] }],
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
    });
    const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    const base = join(this.#folder, crypto.randomUUID());
    writeFileSync(`${base}.pem`, issued.toString('pem'));
    writeFileSync(
      `${base}.key`,
      `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    );
    return { certificate: `${base}.pem`, key: `${base}.key` };
  }
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function common() {
  return {
    serialNumber: crypto.randomUUID().replaceAll('-', '').slice(0, 15),
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
  };
}
