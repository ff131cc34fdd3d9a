// The sending half of a conversation: what goes to a peer that asked for a stream. Pure.
//
//   idle ──want──▶ log ◀──────────────┐
//                   │ the log begins   │ last part
//                   │ too late         │
//                   └────▶ copy ───────┘
//
// One read at a time, and only while the peer has room: what is read is sent as soon as this node's own changes in it are on disk, so that
// no acknowledgement overtakes what was read before it.

import { type CopyAnswer, type CopyPosition, type LogAnswer, union, type Vector } from '../store/index.ts';
import { type CopyPart, type Data, type Want, weightOf } from './messages.ts';

export interface Sending {
  /** Number of the stream the peer asked for; 0: none. */
  readonly stream: number;
  /** Room the peer has; below zero after a batch that was larger. */
  readonly credit: number;
  /** Sent and not stored by the peer yet. */
  readonly underWay: number;
  /** When the peer last took something, or there was nothing under way. */
  readonly progressMs: number;
  readonly mode: LogMode | CopyMode | { readonly kind: 'idle' };
  readonly reading: boolean;
  /** There may be more in the log than was read. */
  readonly dirty: boolean;
  /** Read, and waiting for the disk. */
  readonly held: { readonly message: Data | CopyPart; readonly ownSeq: number } | null;
}

interface LogMode {
  readonly kind: 'log';
  /** What the peer has, and what is on its way there. */
  readonly vector: Vector;
  readonly except: readonly string[];
  readonly after: number;
}

interface CopyMode {
  readonly kind: 'copy';
  readonly vector: Vector;
  readonly except: readonly string[];
  readonly position: CopyPosition | undefined;
}

export type SendingEffect =
  | { readonly type: 'send'; readonly message: Data | CopyPart }
  | {
      readonly type: 'read';
      readonly stream: number;
      readonly vector: Vector;
      readonly except: readonly string[];
      readonly after: number;
    }
  | { readonly type: 'readCopy'; readonly stream: number; readonly position: CopyPosition | undefined };

export type SendingStep = readonly [Sending, SendingEffect[]];

export function notAsked(): Sending {
  return {
    stream: 0,
    credit: 0,
    underWay: 0,
    progressMs: 0,
    mode: { kind: 'idle' },
    reading: false,
    dirty: false,
    held: null,
  };
}

/** @param canResume whether the log still has everything since the vector of the copy the peer wants to go on with */
export function wanted(want: Want, canResume: boolean, durableSeq: number, nowMs: number): SendingStep {
  const { stream, vector, except, resume, credit } = want;
  const mode: LogMode | CopyMode =
    resume && canResume
      ? { kind: 'copy', vector: resume.vector, except, position: resume.position }
      : { kind: 'log', vector, except, after: 0 };
  return pump({ ...notAsked(), stream, credit, progressMs: nowMs, mode, dirty: true }, durableSeq);
}

export function credited(sending: Sending, amount: number, durableSeq: number, nowMs: number): SendingStep {
  const underWay = Math.max(0, sending.underWay - amount);
  return pump({ ...sending, credit: sending.credit + amount, underWay, progressMs: nowMs }, durableSeq);
}

/** The log has new entries, of transactions of `origins`. */
export function logGrew(sending: Sending, origins: readonly string[], durableSeq: number): SendingStep {
  const { mode } = sending;
  // The peer hears of all of them on other links.
  if (mode.kind === 'log' && origins.every((origin) => mode.except.includes(origin))) return [sending, []];
  return pump({ ...sending, dirty: true }, durableSeq);
}

export function logRead(sending: Sending, answer: LogAnswer, durableSeq: number): SendingStep {
  const { mode, stream } = sending;
  if (mode.kind !== 'log') return [sending, []];
  if (answer.kind === 'copy') {
    const copying: CopyMode = { kind: 'copy', vector: answer.vector, except: mode.except, position: undefined };
    return pump({ ...sending, reading: false, mode: copying }, durableSeq);
  }
  const { batch, after, atEnd, ownSeq } = answer;
  const next: Sending = {
    ...sending,
    reading: false,
    dirty: sending.dirty || !atEnd,
    mode: { ...mode, vector: union(mode.vector, batch.upTo), after },
    held: batch.upTo.size === 0 ? null : { message: { type: 'data', stream, batch }, ownSeq },
  };
  return pump(next, durableSeq);
}

export function copyRead(sending: Sending, { rows, next, ownSeq }: CopyAnswer, durableSeq: number): SendingStep {
  const { mode, stream } = sending;
  if (mode.kind !== 'copy') return [sending, []];
  const { vector, except } = mode;
  const after: Sending = {
    ...sending,
    reading: false,
    dirty: true,
    mode: next ? { ...mode, position: next } : { kind: 'log', vector, except, after: 0 },
    held: { message: { type: 'copy', stream, vector, rows, next }, ownSeq },
  };
  return pump(after, durableSeq);
}

/** Sends what waited for the disk, and reads on if there is room. */
export function pump(sending: Sending, durableSeq: number): SendingStep {
  const { held } = sending;
  if (held && held.ownSeq > durableSeq) return [sending, []];
  if (held) {
    const weight = weightOf(held.message);
    const sent = {
      ...sending,
      held: null,
      credit: sending.credit - weight,
      underWay: sending.underWay + weight,
    };
    const [state, effects] = readOn(sent);
    return [state, [{ type: 'send', message: held.message }, ...effects]];
  }
  return readOn(sending);
}

function readOn(sending: Sending): SendingStep {
  const { mode, stream, credit, reading, dirty } = sending;
  if (reading || credit <= 0 || mode.kind === 'idle') return [sending, []];
  if (mode.kind === 'copy')
    return [{ ...sending, reading: true }, [{ type: 'readCopy', stream, position: mode.position }]];
  if (!dirty) return [sending, []];
  const { vector, except, after } = mode;
  return [{ ...sending, reading: true, dirty: false }, [{ type: 'read', stream, vector, except, after }]];
}
