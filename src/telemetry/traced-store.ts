// The writer as a traced thread sees it: each commit is a span, with what the writer says it spent its time on.

import type { Tracer } from '../base/index.ts';
import type {
  CommitTimings,
  Fetched,
  Gathered,
  RecordName,
  Search,
  StoreClient,
  StoreTransaction,
  Written,
} from '../store/index.ts';

export class TracedStore implements StoreClient {
  readonly #inner: StoreClient;
  readonly #tracer: Tracer;

  constructor(inner: StoreClient, tracer: Tracer) {
    this.#inner = inner;
    this.#tracer = tracer;
  }

  fetch(database: string, name: RecordName): Promise<Fetched> {
    return this.#tracer.run(`fetch ${database}`, { kind: 'client' }, () => this.#inner.fetch(database, name));
  }

  gather(database: string, search: Search): Promise<Gathered> {
    return this.#tracer.run(`gather ${database}`, { kind: 'client' }, () => this.#inner.gather(database, search));
  }

  commit(transaction: StoreTransaction): Promise<readonly Written[]> {
    const { database, changes } = transaction;
    const attributes = {
      'db.system.name': 'sqlite',
      'db.namespace': database,
      'db.operation.name': 'COMMIT',
      'db.operation.batch.size': changes.length,
    };
    return this.#tracer.run(`commit ${database}`, { kind: 'client', attributes }, (span) => {
      if (!span.isRecorded) return this.#inner.commit(transaction);
      const tell = ({ submittedMs, startedMs, committedMs, durableMs }: CommitTimings) => {
        span.record('wait for the writer', submittedMs, startedMs);
        span.record('write', startedMs, committedMs);
        span.record('sync', committedMs, durableMs);
      };
      return this.#inner.commit({ ...transaction, timed: true }, tell);
    });
  }
}
