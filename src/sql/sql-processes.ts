// The processes that run SQL statements: made when they are needed, kept for a while, ended when a statement takes too long.

import { limits, ZerohopError } from '../base/index.ts';
import type { SqlAnswer, SqlJob, SqlMessage } from './sql-job.ts';

export interface SqlProcessesOptions {
  /** How long a statement may take once a process has it. */
  readonly timeoutMs: number;
}

interface Running {
  readonly child: Bun.Subprocess;
  readonly ready: Promise<void>;
  answered: ((answer: SqlAnswer) => void) | undefined;
  ended: boolean;
  idle?: ReturnType<typeof setTimeout>;
}

export class SqlProcesses {
  readonly #timeoutMs: number;
  readonly #all = new Set<Running>();
  readonly #idle: Running[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #isStopped = false;

  constructor({ timeoutMs }: SqlProcessesOptions) {
    this.#timeoutMs = timeoutMs;
  }

  /** Throws INVALID_QUERY when it takes too long, OVERLOADED when too many wait, SHUTTING_DOWN. `signal`: the caller is gone. */
  async run(job: SqlJob, signal: AbortSignal): Promise<SqlAnswer> {
    await this.#turn();
    try {
      if (signal.aborted) throw this.#endedError('gone');
      return await this.#runIn(this.#idle.pop() ?? this.#start(), job, signal);
    } finally {
      this.#busy--;
      this.#waiting.shift()?.();
    }
  }

  /** Ends all at once. */
  stop(): void {
    this.#isStopped = true;
    for (const { child } of this.#all) child.kill('SIGKILL');
    for (const go of this.#waiting.splice(0)) go();
  }

  async #turn(): Promise<void> {
    if (!this.#isStopped && this.#busy >= limits.sqlProcesses) {
      if (this.#waiting.length >= limits.sqlWaiting)
        throw new ZerohopError(
          'OVERLOADED',
          `${limits.sqlWaiting} SQL statements are waiting already. Try again later.`,
        );
      await new Promise<void>((go) => this.#waiting.push(go));
    }
    if (this.#isStopped) throw new ZerohopError('SHUTTING_DOWN', 'The node is stopping.');
    this.#busy++;
  }

  async #runIn(running: Running, job: SqlJob, signal: AbortSignal): Promise<SqlAnswer> {
    clearTimeout(running.idle);
    await Promise.race([running.ready, running.child.exited]);
    let why: 'time' | 'gone' | undefined;
    if (running.ended || this.#isStopped) throw this.#endedError(why);
    if (signal.aborted) {
      this.#keep(running);
      throw this.#endedError('gone');
    }
    const end = (reason: 'time' | 'gone') => {
      why = reason;
      running.child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end('time'), this.#timeoutMs);
    const gone = () => end('gone');
    signal.addEventListener('abort', gone, { once: true });
    try {
      const answered = new Promise<SqlAnswer>((resolve) => {
        running.answered = resolve;
      });
      running.child.send(job);
      const answer = await Promise.race([answered, running.child.exited.then(() => undefined)]);
      if (answer === undefined) throw this.#endedError(why);
      this.#keep(running);
      return answer;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
      running.answered = undefined;
    }
  }

  #endedError(why: 'time' | 'gone' | undefined): ZerohopError {
    if (why === 'time')
      return new ZerohopError(
        'INVALID_QUERY',
        `The statement took longer than ${this.#timeoutMs} ms and was ended. Have it read less, or what an index finds; limits.sqlMs sets how long one may take.`,
      );
    if (this.#isStopped || why === 'gone') return new ZerohopError('SHUTTING_DOWN', 'The statement was ended.');
    return new ZerohopError(
      'INVALID_QUERY',
      `The statement was ended: it needs more than the ${limits.sqlMemoryBytes} bytes of memory there are for it.`,
    );
  }

  #keep(running: Running): void {
    if (running.ended) return;
    this.#idle.push(running);
    running.idle = setTimeout(() => {
      const at = this.#idle.indexOf(running);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      running.child.kill('SIGKILL');
    }, limits.sqlIdleMs);
    running.idle.unref();
  }

  #start(): Running {
    const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
    const running: Running = {
      // It gets nothing of the node's environment: there may be secrets in it.
      child: Bun.spawn([process.execPath, `${import.meta.dirname}/sql-process.ts`], {
        env: {},
        cwd: '/',
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'ignore',
        serialization: 'advanced',
        ipc: (message: SqlMessage) => {
          if (message.kind === 'ready') isReady();
          else running.answered?.(message);
        },
      }),
      ready,
      answered: undefined,
      ended: false,
    };
    this.#all.add(running);
    running.child.unref();
    running.child.exited.then(() => {
      running.ended = true;
      this.#all.delete(running);
      const at = this.#idle.indexOf(running);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return running;
  }
}
