// Work that goes on by itself: a job is a row of the database `system` that says how far it is, so that it goes on after a restart.

import { type Logger, ZerohopError } from '../../base/index.ts';
import type { AppNode } from '../../resources/index.ts';
import type { Table } from '../../tables/index.ts';
import { type Body, isObject } from './fields.ts';

export interface Job {
  readonly type: string;
  readonly user: string;
  readonly status: 'IN_PROGRESS' | 'COMPLETE' | 'ERROR';
  readonly message: string;
  readonly start_datetime: number;
  readonly end_datetime?: number;
  /** The request, without credentials. */
  readonly body: Body;
  /** How much of the source is dealt with: a kind of job goes on from there. */
  readonly position: number;
  readonly written: number;
  readonly failed: number;
  readonly errors: readonly { readonly row: number; readonly error: string }[];
}

export interface JobKind {
  /** Throws INVALID_REQUEST or NOT_FOUND for what can't be begun. */
  check(body: Body): void;
  /** Does it, from `job.position` on. Gives the job as it ended, with what to say of it. */
  run(job: Job, hands: JobHands): Promise<Job>;
}

export interface JobHands {
  readonly id: string;
  /** The request as it came, with credentials. */
  readonly body: Body;
  /** Notes how far the job is. */
  save(job: Job): Promise<void>;
}

/** Of a request: what must not be kept. */
const secrets = ['aws_access_key_id', 'aws_secret_access_key'];
/** Stands where they were. */
const notKept = '(not kept)';

export class Jobs {
  readonly #node: AppNode;
  readonly #table: Table;
  readonly #log: Logger;
  readonly #kinds: ReadonlyMap<string, JobKind>;
  /** Requests of jobs under way, as they came. */
  readonly #bodies = new Map<string, Body>();

  constructor(node: AppNode, table: Table, log: Logger, kinds: ReadonlyMap<string, JobKind>) {
    this.#node = node;
    this.#table = table;
    this.#log = log;
    this.#kinds = kinds;
  }

  get(id: string): Job | undefined {
    const stored = this.#node.databases.getLatest(this.#table, id);
    return stored && (JSON.parse(stored.body) as { job: Job }).job;
  }

  startedBetween(from: number, to: number): [string, Job][] {
    const transaction = this.#node.databases.transaction();
    try {
      const value = [from, to];
      const conditions = [{ attribute: ['start_datetime'], comparator: 'between', value }] as const;
      const query = { conditions: { operator: 'and', conditions }, limit: 1000 } as const;
      return Array.from(transaction.search(this.#table, query).rows, ({ id, json }) => [
        String(id),
        (JSON.parse(json) as { job: Job }).job,
      ]);
    } finally {
      transaction.abort();
    }
  }

  /** Gives its id. */
  async begin(type: string, { operation: _, impersonate: __, ...body }: Body, user: string): Promise<string> {
    const id = Bun.randomUUIDv7();
    const begun = { position: 0, written: 0, failed: 0, errors: [], message: 'under way' };
    const row: Job = {
      type,
      user,
      status: 'IN_PROGRESS',
      start_datetime: Date.now(),
      body: withoutSecrets(body),
      ...begun,
    };
    await this.#save(id, row);
    this.#bodies.set(id, body);
    this.#goOn(id);
    return id;
  }

  /** Takes up what was under way when the node ended. */
  resume(): void {
    for (const [id, { status }] of this.startedBetween(0, Number.MAX_SAFE_INTEGER))
      if (status === 'IN_PROGRESS') this.#goOn(id);
  }

  /** Not awaited: whoever asks looks at the row. */
  #goOn(id: string): void {
    this.#run(id)
      .catch((error: unknown) => this.#log.error(`The job ${id} could not be noted`, { error }))
      .finally(() => this.#bodies.delete(id));
  }

  async #run(id: string): Promise<void> {
    let job = this.get(id);
    if (job === undefined) return;
    try {
      const kind = this.#kinds.get(job.type);
      const body = this.#bodies.get(id) ?? job.body;
      if (kind === undefined) throw new ZerohopError('NOT_IMPLEMENTED', `There is no job ${job.type} any more.`);
      if (isObject(body.s3) && Object.values(body.s3).includes(notKept))
        throw new ZerohopError('CONFLICT', 'The node was restarted, and credentials are not kept: start it again.');
      const save = async (now: Job) => {
        job = now;
        await this.#save(id, now);
      };
      const ended = await kind.run(job, { id, body, save });
      await this.#save(id, { ...ended, status: 'COMPLETE', end_datetime: Date.now() });
    } catch (error) {
      // A node that stops takes the job up again.
      if (error instanceof ZerohopError && error.code === 'SHUTTING_DOWN') return;
      const message = error instanceof Error ? error.message : String(error);
      await this.#save(id, { ...job, status: 'ERROR', message, end_datetime: Date.now() });
    }
  }

  async #save(id: string, job: Job): Promise<void> {
    const transaction = this.#node.databases.transaction();
    transaction.put(this.#table, id, { id, start_datetime: job.start_datetime, job });
    await transaction.commit();
  }
}

function withoutSecrets(body: Body): Body {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      secrets.includes(name) ? notKept : isObject(value) ? withoutSecrets(value) : value,
    ]),
  );
}
