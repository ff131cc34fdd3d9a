// Writes from a serve thread to the store thread and the answers back. All that are staged in one turn of the event loop cross as one message,
// handed over rather than copied.

import type { MessagePort } from 'node:worker_threads';
import { errorFromData, limits, ZerohopError } from '../base/index.ts';
import {
  type CommitOutcome,
  type CommitTimings,
  type Fetched,
  type Gathered,
  queueFull,
  type RecordName,
  type Search,
  type StoreClient,
  type StoreEngine,
  type StoreTransaction,
  transactionBytes,
  type Written,
} from '../store/index.ts';
import type { WriteAnswers, WriteBatch } from './messages.ts';
import { type Packed, packAnswers, packBatch, unpackAnswers, unpackBatch } from './write-codec.ts';

interface Waiting {
  readonly bytes: number;
  readonly resolve: (outcome: CommitOutcome & { readonly ok: true }) => void;
  readonly reject: (error: ZerohopError) => void;
  readonly told: ((timings: CommitTimings) => void) | undefined;
}

/** The serve thread's end. */
export class StorePortClient implements StoreClient {
  readonly #port: MessagePort;
  readonly #limit: number;
  readonly #limitBytes: number;
  readonly #waiting = new Map<number, Waiting>();
  #bytes = 0;
  #calls = 0;
  #batch: [number, StoreTransaction][] = [];

  /**
   * @param limit largest number of transactions waiting; one more is refused with OVERLOADED
   * @param limitBytes their largest size, about
   */
  constructor(port: MessagePort, limit: number = limits.writeQueue, limitBytes: number = limits.writeQueueBytes) {
    this.#port = port;
    this.#limit = limit;
    this.#limitBytes = limitBytes;
    port.on('message', (packed: Packed) => this.#answered(unpackAnswers(packed)));
  }

  commit(transaction: StoreTransaction, told?: (timings: CommitTimings) => void): Promise<readonly Written[]> {
    return this.#ask(transaction, told, ({ written }) => written);
  }

  fetch(database: string, fetch: RecordName): Promise<Fetched> {
    return this.#ask({ database, changes: [], fetch }, undefined, ({ fetched }) => fetched ?? { here: true });
  }

  gather(database: string, gather: Search): Promise<Gathered> {
    return this.#ask({ database, changes: [], gather }, undefined, ({ gathered }) => gathered ?? { here: true });
  }

  #ask<Result>(
    transaction: StoreTransaction,
    told: ((timings: CommitTimings) => void) | undefined,
    take: (outcome: CommitOutcome & { readonly ok: true }) => Result,
  ): Promise<Result> {
    const bytes = transactionBytes(transaction);
    if (this.#waiting.size >= this.#limit || (this.#bytes > 0 && this.#bytes + bytes > this.#limitBytes))
      return Promise.reject(queueFull());
    return new Promise((resolve, reject) => {
      const call = ++this.#calls;
      this.#waiting.set(call, { bytes, resolve: (outcome) => resolve(take(outcome)), reject, told });
      this.#bytes += bytes;
      this.#batch.push([call, transaction]);
      if (this.#batch.length === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const batch: WriteBatch = this.#batch;
    this.#batch = [];
    try {
      post(this.#port, packBatch(batch));
    } catch {
      // What can't be sent is one transaction's fault, and does not touch the others.
      for (const one of batch) this.#sendAlone(one);
    }
  }

  #sendAlone(one: WriteBatch[number]): void {
    try {
      post(this.#port, packBatch([one]));
    } catch (error) {
      this.#take(one[0])?.reject(unsendable(error));
    }
  }

  #answered(answers: WriteAnswers): void {
    for (const [call, outcome] of answers) {
      const waiting = this.#take(call);
      if (outcome.ok) {
        if (outcome.timings) waiting?.told?.(outcome.timings);
        waiting?.resolve(outcome);
      } else waiting?.reject(errorFromData(outcome.error));
    }
  }

  #take(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call);
    if (waiting && this.#waiting.delete(call)) this.#bytes -= waiting.bytes;
    return waiting;
  }
}

function unsendable(error: unknown): ZerohopError {
  return new ZerohopError('INTERNAL', `A write could not be sent to the store: ${String(error)}`);
}

/** The store thread's end: submits what comes over `port` and answers in batches. */
export function servePort(port: MessagePort, engine: StoreEngine): void {
  let answers: [number, CommitOutcome][] = [];
  const send = () => {
    const batch: WriteAnswers = answers;
    answers = [];
    post(port, packAnswers(batch));
  };
  port.on('message', (packed: Packed) => {
    for (const [call, transaction] of unpackBatch(packed)) {
      engine.submit(transaction, (outcome) => {
        answers.push([call, outcome]);
        // A group is answered in one go, so that all of it is here before the microtask runs.
        if (answers.length === 1) queueMicrotask(send);
      });
    }
  });
}

function post(port: MessagePort, packed: Packed): void {
  port.postMessage(packed, typeof packed === 'string' ? [] : [packed.buffer]);
}
