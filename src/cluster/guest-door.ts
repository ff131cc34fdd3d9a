// Where a node that has no certificate yet, or wants a new one, talks to a member that has the authority's key: one JSON line each way, over
// TLS on the replication port. The member says first by which authority it is vouched for; the guest checks that before it says anything.

import { type ErrorData, errorFromData, errorToData, ZerohopError } from '../base/index.ts';
import { type Channel, type ChannelHandlers, dialAsGuest } from '../net/index.ts';
import { fingerprintOf, identityIn } from './certificates.ts';
import type { Seed, Slots } from './cluster-folder.ts';

export interface JoinRequest {
  readonly type: 'join';
  readonly secret: string;
  /** PEM. */
  readonly request: string;
  readonly node: string;
  readonly name: string;
  /** Where others reach it; '' : where it comes from. */
  readonly host: string;
  readonly port: number;
  /** The host it dialled. */
  readonly dialled: string;
  readonly databases: readonly string[];
}

export interface RenewRequest {
  readonly type: 'renew';
  readonly request: string;
  /** The certificate so far, and the request signed with its key. */
  readonly certificate: string;
  readonly signature: string;
}

export type GuestRequest = JoinRequest | RenewRequest;

export interface Admission {
  readonly cluster: string;
  readonly certificate: string;
  readonly authority: string;
  /** Only for who may admit others. */
  readonly authorityKey?: string;
  readonly slots: Slots;
  readonly members: readonly Seed[];
}

type Answer = { readonly ok: true; readonly admission: Admission } | { readonly ok: false; readonly error: ErrorData };

/** Bytes of a line. */
const longestLine = 256 * 1024;
const talkMs = 10_000;
/** Guests at the same time. */
const mostGuests = 32;

export interface GuestDoorOptions {
  /** PEM. */
  readonly authority: string;
  /** Answers a request; rejects with a ZerohopError for the guest. */
  readonly admit: (request: GuestRequest, address: string) => Promise<Admission>;
  readonly refused: (address: string, reason: string) => void;
}

/** The member's side. */
export function openGuestDoor({ authority, admit, refused }: GuestDoorOptions): (channel: Channel) => ChannelHandlers {
  let guests = 0;
  return (channel) => {
    if (++guests > mostGuests) {
      guests--;
      refused(channel.address, 'Too many nodes ask to join at the same time.');
      channel.close();
      return { bytes: () => {}, closed: () => {} };
    }
    const timer = setTimeout(() => channel.close(), talkMs);
    const answer = (line: Answer) => {
      if (!line.ok) refused(channel.address, line.error.message);
      channel.send(lineOf(line));
      channel.close();
    };
    channel.send(lineOf({ authority }));
    const lines = new LineReader((text) => {
      readRequest(text)
        .then((request) => admit(request, channel.address))
        .then(
          (admission) => answer({ ok: true, admission }),
          (error: unknown) => answer({ ok: false, error: errorToData(error) }),
        );
    });
    return {
      bytes: (chunk) => {
        if (!lines.push(chunk)) channel.close();
      },
      closed: () => {
        guests--;
        clearTimeout(timer);
      },
    };
  };
}

export interface GuestCall {
  readonly host: string;
  readonly port: number;
  /** Fingerprint of the authority the member must be vouched for by. */
  readonly authority: string;
  readonly request: GuestRequest;
  readonly nowMs: number;
}

/** The guest's side. Throws FORBIDDEN when somebody else answers, and what the member refused with. */
export function askMember({ host, port, authority, request, nowMs }: GuestCall): Promise<Admission> {
  const place = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const fail = (message: string) =>
      reject(new ZerohopError('ORIGIN_FAILED', `${place} can not be joined: ${message}`));
    dialAsGuest({
      host,
      port,
      timeoutMs: talkMs,
      refused: fail,
      opened: (channel) => {
        const timer = setTimeout(() => {
          fail(`no answer within ${talkMs} ms.`);
          channel.close();
        }, talkMs);
        let isChecked = false;
        const lines = new LineReader((text) => {
          const said = parsed(text) as Partial<{ authority: string }> & Partial<Answer>;
          if (isChecked) {
            if (said.ok && said.admission) resolve(said.admission);
            else if ('error' in said && said.error) reject(errorFromData(said.error));
            else fail('it answers with something else than was asked.');
            return channel.close();
          }
          isChecked = true;
          void isVouchedFor(channel, String(said.authority), authority, nowMs).then((isGood) => {
            if (isGood) return channel.send(lineOf(request));
            reject(
              new ZerohopError(
                'FORBIDDEN',
                `The node at ${place} is not of the cluster the token is for. Nothing was told to it. Check the address, or make a new token.`,
              ),
            );
            channel.close();
          });
        });
        return {
          bytes: (chunk) => {
            if (!lines.push(chunk)) channel.close();
          },
          closed: (reason) => {
            clearTimeout(timer);
            fail(reason);
          },
        };
      },
    });
  });
}

/** Whether the peer's certificate is by an authority with this fingerprint. The TLS handshake showed that it has the key. */
async function isVouchedFor(channel: Channel, authority: string, pin: string, nowMs: number): Promise<boolean> {
  try {
    if (!channel.certificate || fingerprintOf(authority) !== pin) return false;
    return (await identityIn(new Uint8Array(channel.certificate), authority, nowMs)) !== undefined;
  } catch {
    return false;
  }
}

async function readRequest(text: string): Promise<GuestRequest> {
  const request = parsed(text) as Partial<Record<string, unknown>>;
  const shape = request.type === 'join' ? joinShape : request.type === 'renew' ? renewShape : undefined;
  const fits = shape && Object.entries(shape).every(([name, isFit]) => isFit(request[name]));
  // Every field has been looked at.
  if (fits) return request as unknown as GuestRequest;
  throw new ZerohopError('INVALID_REQUEST', 'Who asks to join must be a node of the same version.');
}

const isText = (value: unknown) => typeof value === 'string' && value.length <= 16_384;
const isName = (value: unknown) => typeof value === 'string' && value.length <= 255;
const isPort = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 65_535;
const areNames = (value: unknown) => Array.isArray(value) && value.length <= 1_000 && value.every(isName);
const joinShape = {
  secret: isName,
  request: isText,
  node: isName,
  name: isName,
  host: isName,
  port: isPort,
  dialled: isName,
  databases: areNames,
};
const renewShape = { request: isText, certificate: isText, signature: isText };

/** An empty object where it is none. */
function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

const lineOf = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);

class LineReader {
  readonly #line: (text: string) => void;
  #head = Buffer.alloc(0);

  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  /** False: the line is too long. */
  push(chunk: Uint8Array): boolean {
    this.#head = Buffer.concat([this.#head, chunk]);
    for (let end = this.#head.indexOf(10); end >= 0; end = this.#head.indexOf(10)) {
      const text = this.#head.subarray(0, end).toString();
      this.#head = this.#head.subarray(end + 1);
      this.#line(text);
    }
    return this.#head.byteLength <= longestLine;
  }
}
