// Who is let in by whom, and that no two nodes get the same number, however they came in.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { systemClock } from '../base/index.ts';
import { openTestEngine } from '../replication/open-test-engine.ts';
import type { StoreEngine } from '../store/index.ts';
import { type AdmissionOptions, admit, refusalOf } from './admission.ts';
import {
  fingerprintOf,
  identityIn,
  issueCertificate,
  type KeyAndCertificate,
  makeAuthority,
  makeRequest,
  signText,
} from './certificates.ts';
import { ClusterFolder, type ClusterState, type Slots } from './cluster-folder.ts';
import type { Admission } from './guest-door.ts';
import { newToken, readToken } from './join-token.ts';
import { clusterTables, Members } from './members.ts';

let folder = '';
let engine: StoreEngine;
let members: Members;
let authority: KeyAndCertificate;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-admission-'));
  engine = openTestEngine(join(folder, 'data'), 'founder');
  engine.applySchema(clusterTables);
  members = new Members(engine, 'founder', systemClock);
  authority = await makeAuthority('shop', Date.now());
  await members.write('founder', { name: 'founder', slot: 0, authority: true });
});
afterEach(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** A member that may admit others; they all see the same rows. */
function admitter(name: string, slots: Slots): AdmissionOptions & { slots(): Slots } {
  let state: ClusterState = {
    cluster: 'shop',
    slots,
    seeds: [],
    own: { key: '', certificate: '' },
    authority: authority.certificate,
    authorityKey: authority.key,
  };
  const own = new ClusterFolder(join(folder, name));
  own.write(state);
  return {
    folder: own,
    state: () => state,
    changeState: (changed) => {
      state = changed;
    },
    members,
    clock: systemClock,
    lifeMs: 90 * 24 * 3600_000,
    reachedAs: () => {},
    slots: () => state.slots,
  };
}

function tokenOf({ folder: own }: AdmissionOptions, isAuthority = false, lifeMs = 60_000): string {
  const { text, hash } = newToken(fingerprintOf(authority.certificate));
  own.tokens = [...own.tokens, { hash, untilMs: Date.now() + lifeMs, authority: isAuthority }];
  return text;
}

async function joinBy(
  by: AdmissionOptions,
  node: string,
  token: string,
  name = node,
): Promise<Admission & { key: string }> {
  const { key, request } = await makeRequest(node);
  const asked = {
    secret: readToken(token).secret,
    request,
    node,
    name,
    host: '',
    port: 1,
    dialled: 'x',
    databases: ['*'],
  };
  return { ...(await admit(by, { type: 'join', ...asked }, '10.0.0.9')), key };
}

describe('joining', () => {
  test('gives a certificate of the cluster, and a row with the address it came from', async () => {
    const founder = admitter('founder', { own: 0, from: 0, to: 256 });
    const { certificate } = await joinBy(founder, 'b', tokenOf(founder));
    expect(await identityIn(certificate, authority.certificate, Date.now())).toEqual({ cluster: 'shop', node: 'b' });
    expect(members.all.get('b')).toMatchObject({
      name: 'b',
      host: '10.0.0.9',
      certificate: fingerprintOf(certificate),
      slot: 1,
    });
  });

  test.each([
    [
      'with a token that was used',
      async (by: AdmissionOptions) => {
        const token = tokenOf(by);
        await joinBy(by, 'b', token);
        return joinBy(by, 'c', token);
      },
      'or was used',
    ],
    ['with a token that has expired', (by: AdmissionOptions) => joinBy(by, 'b', tokenOf(by, false, -1)), 'has expired'],
    [
      'with a token of another',
      (by: AdmissionOptions) => joinBy(by, 'b', newToken(fingerprintOf(authority.certificate)).text),
      'not known here',
    ],
    [
      'under a name that is taken',
      (by: AdmissionOptions) => joinBy(by, 'b', tokenOf(by), 'founder'),
      'There is a node founder',
    ],
    [
      'after it was removed',
      async (by: AdmissionOptions) => {
        await joinBy(by, 'b', tokenOf(by));
        await members.write('b', { removed: true });
        return joinBy(by, 'b', tokenOf(by));
      },
      'was removed from the cluster',
    ],
  ])('%s is refused', async (_how, act, said) => {
    const founder = admitter('founder', { own: 0, from: 0, to: 256 });
    await expect(act(founder)).rejects.toThrow(said);
  });
});

describe('a new certificate', () => {
  async function renewal(node: string, own: { key: string; certificate: string }) {
    const { request } = await makeRequest(node);
    const signature = await signText(request, own.key);
    return { type: 'renew', request, certificate: own.certificate, signature } as const;
  }

  test('is given to who has a good one, and to nobody else', async () => {
    const founder = admitter('founder', { own: 0, from: 0, to: 256 });
    const b = await joinBy(founder, 'b', tokenOf(founder));
    const { certificate } = await admit(founder, await renewal('b', b), '');
    expect(members.all.get('b')?.certificate).toBe(fingerprintOf(certificate));

    const { key } = await makeRequest('b');
    await expect(admit(founder, await renewal('b', { ...b, key }), '')).rejects.toThrow('only to who has one');
    const stranger = await makeAuthority('shop', Date.now());
    const asked = await makeRequest('b');
    const given = { cluster: 'shop', node: 'b', nowMs: Date.now() };
    const foreign = { key: asked.key, certificate: await issueCertificate(stranger, asked.request, given) };
    await expect(admit(founder, await renewal('b', foreign), '')).rejects.toThrow('only to who has one');
    const longAgo = { ...given, nowMs: Date.now() - 400 * 24 * 3600_000 };
    const expired = { key: asked.key, certificate: await issueCertificate(authority, asked.request, longAgo) };
    await expect(admit(founder, await renewal('b', expired), '')).rejects.toThrow('only to who has one');
    await expect(admit(founder, await renewal('c', b), '')).rejects.toThrow('for "c"');

    await members.write('b', { revoked: [fingerprintOf(b.certificate)] });
    await expect(admit(founder, await renewal('b', b), '')).rejects.toThrow('was revoked');
    expect(refusalOf(members.all.get('b'), fingerprintOf(certificate))).toBeUndefined();
    await members.write('b', { removed: true });
    expect(refusalOf(members.all.get('b'), fingerprintOf(certificate))).toContain('was removed');
  });
});

test("numbers: each is one node's at a time, whoever gave it out", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(30), fc.constantFrom('node', 'authority', 'remove')), { maxLength: 12 }),
      async (steps) => {
        run++;
        const admitters = [admitter(`founder-${run}`, { own: 0, from: 0, to: 24 })];
        for (const [index, [pick, what]] of steps.entries()) {
          const others = members.others;
          const left = others[pick % Math.max(1, others.length)];
          if (what === 'remove') {
            if (left && !left.authority) await members.write(left.id, { removed: true });
            continue;
          }
          const by = admitters[pick % admitters.length] as (typeof admitters)[0];
          const node = `n${run}-${index}`;
          const admitted = await joinBy(by, node, tokenOf(by, what === 'authority')).catch((error: Error) => {
            expect(error.message).toContain('no numbers left');
          });
          if (admitted?.authorityKey !== undefined) admitters.push(admitter(node, admitted.slots));
        }
        const slots = [0, ...members.others.map(({ slot }) => slot)];
        expect(new Set(slots).size).toBe(slots.length);
        for (const { id } of members.others) await members.write(id, { removed: true });
      },
    ),
    { numRuns: 12 },
  );
});
