// Writes from a serve thread to the store thread and the answers back. All that are staged in one turn of the event loop cross as one encoded
// buffer, handed over rather than copied.

import type { MessagePort } from 'node:worker_threads';
import { Packr } from 'msgpackr';
import { errorFromData, limits, ZerohopError } from '../base/index.ts';
import type { CommitOutcome, StoreClient, StoreEngine, StoreTransaction, Written } from '../store/index.ts';
import type { WriteAnswers, WriteBatch } from './messages.ts';

const codec = new Packr({ useRecords: false, moreTypes: false });

interface Waiting {
  readonly resolve: (written: readonly Written[]) => void;
  readonly reject: (error: ZerohopError) => void;
}

/** The serve thread's end. */
export class StorePortClient implements StoreClient {
  readonly #port: MessagePort;
  readonly #limit: number;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #batch: [number, StoreTransaction][] = [];

  /** @param limit largest number of transactions waiting; one more is refused with OVERLOADED */
  constructor(port: MessagePort, limit: number = limits.writeQueue) {
    this.#port = port;
    this.#limit = limit;
    port.on('message', (bytes: Uint8Array) => this.#answered(codec.unpack(bytes) as WriteAnswers));
  }

  commit(transaction: StoreTransaction): Promise<readonly Written[]> {
    if (this.#waiting.size >= this.#limit) {
      const error = new ZerohopError('OVERLOADED', 'Too many writes are waiting for the disk. Retry in a moment.', {
        retryAfterSeconds: 1,
      });
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const call = ++this.#calls;
      this.#waiting.set(call, { resolve, reject });
      this.#batch.push([call, transaction]);
      if (this.#batch.length === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const batch: WriteBatch = this.#batch;
    this.#batch = [];
    post(this.#port, batch);
  }

  #answered(answers: WriteAnswers): void {
    for (const [call, outcome] of answers) {
      const waiting = this.#waiting.get(call);
      this.#waiting.delete(call);
      if (outcome.ok) waiting?.resolve(outcome.written);
      else waiting?.reject(errorFromData(outcome.error));
    }
  }
}

/** The store thread's end: submits what comes over `port` and answers in batches. */
export function servePort(port: MessagePort, engine: StoreEngine): void {
  let answers: [number, CommitOutcome][] = [];
  const send = () => {
    const batch: WriteAnswers = answers;
    answers = [];
    post(port, batch);
  };
  port.on('message', (bytes: Uint8Array) => {
    for (const [call, transaction] of codec.unpack(bytes) as WriteBatch) {
      engine.submit(transaction, (outcome) => {
        answers.push([call, outcome]);
        // A group is answered in one go, so that all of it is here before the microtask runs.
        if (answers.length === 1) queueMicrotask(send);
      });
    }
  });
}

function post(port: MessagePort, batch: WriteBatch | WriteAnswers): void {
  // `pack` returns a view into a larger buffer it keeps using: a copy of its own can be handed over.
  const bytes = new Uint8Array(codec.pack(batch));
  port.postMessage(bytes, [bytes.buffer]);
}
