// What an operator says of the node, what it says of itself, and starting it anew.

import { ZerohopError } from '../../base/index.ts';
import { optionalText, text } from './fields.ts';
import type { Operation } from './types.ts';

/** What can be said: kept in memory, until the node ends. */
const subjects = ['primary', 'maintenance', 'availability'] as const;
type Subject = (typeof subjects)[number];
/** Characters of a status. */
const longestStatus = 512;
const unavailable = 'Unavailable';
const services = ['http', 'http_workers', 'harperdb', 'zerohop'] as const;

interface Status {
  readonly id: Subject;
  readonly status: string;
  readonly __createdtime__: number;
  readonly __updatedtime__: number;
}

/** What has been said. */
export class StatusBoard {
  readonly #said = new Map<Subject, Status>();

  get all(): readonly Status[] {
    return [...this.#said.values()];
  }

  /** Why the node is not to be sent requests; null: nobody has said so. */
  get notAvailable(): string | null {
    return this.#said.get('availability')?.status === unavailable ? 'an operator has said so' : null;
  }

  get(id: Subject): Status | undefined {
    return this.#said.get(id);
  }

  set(id: Subject, status: string): Status {
    const now = Date.now();
    const said = { id, status, __createdtime__: this.#said.get(id)?.__createdtime__ ?? now, __updatedtime__: now };
    this.#said.set(id, said);
    return said;
  }

  clear(id: Subject): boolean {
    return this.#said.delete(id);
  }
}

export interface StatusOptions {
  readonly board: StatusBoard;
  /** What of the app could not be loaded. */
  readonly problems: () => readonly string[];
  /** Whether something was set that counts after a restart. */
  readonly isRestartRequired: () => boolean;
  /** Loads the app anew; requests in flight end on the old code. */
  readonly reload: () => Promise<void>;
  /** Stops the node in order and has it started again; undefined: nobody would start it. */
  readonly restart: (() => void) | undefined;
}

export function statusOperations(options: StatusOptions): Operation[] {
  const { board } = options;
  return [
    {
      name: 'set_status',
      access: 'super_user',
      async run({ body }) {
        const id = subjectOf(text(body, 'id'));
        const status = text(body, 'status');
        if (status.length > longestStatus)
          throw new ZerohopError('INVALID_REQUEST', `"status" has ${longestStatus} characters at most.`);
        if (id === 'availability' && status !== 'Available' && status !== unavailable)
          throw new ZerohopError('INVALID_REQUEST', 'The status of availability is Available or Unavailable.');
        return board.set(id, status);
      },
    },
    {
      name: 'get_status',
      access: 'super_user',
      async run({ body }) {
        const id = optionalText(body, 'id');
        if (id === undefined) return everything(options);
        const said = board.get(subjectOf(id));
        if (said !== undefined) return said;
        throw new ZerohopError('NOT_FOUND', `Nothing was said of ${id}. set_status does.`);
      },
    },
    {
      name: 'clear_status',
      access: 'super_user',
      async run({ body }) {
        const id = subjectOf(text(body, 'id'));
        return { message: board.clear(id) ? `status of ${id} cleared` : `there was no status of ${id}` };
      },
    },
    {
      name: 'restart',
      access: 'super_user',
      run: async () => restart(options),
    },
    {
      name: 'restart_service',
      access: 'super_user',
      async run({ body }) {
        const name = text(body, 'service');
        const service = services.find((one) => one === name);
        if (service === undefined)
          throw new ZerohopError('INVALID_REQUEST', `"service" is one of ${services.join(', ')}.`);
        if (service === 'harperdb' || service === 'zerohop') return restart(options);
        await options.reload();
        const problems = options.problems();
        return { message: `Restarted ${service}.`, ...(problems.length > 0 && { problems }) };
      },
    },
  ];
}

function restart({ restart: go }: StatusOptions): unknown {
  if (go === undefined)
    throw new ZerohopError(
      'CONFLICT',
      'This node was not started by the command zerohop, which would start it again. Restart it with what started it.',
    );
  go();
  return { message: 'Restarting Zerohop. This may take up to 60 seconds.' };
}

function everything({ board, problems, isRestartRequired }: StatusOptions): unknown {
  const said = problems();
  const lastChecked = new Date().toISOString();
  const healthy = { name: 'app', componentName: 'app', status: 'healthy', lastChecked };
  const failed = said.map((message) => ({ name: 'app', componentName: 'app', status: 'error', lastChecked, message }));
  return {
    systemStatus: board.all,
    componentStatus: said.length === 0 ? [healthy] : failed,
    restartRequired: isRestartRequired(),
  };
}

function subjectOf(id: string): Subject {
  const known = subjects.find((one) => one === id);
  if (known !== undefined) return known;
  throw new ZerohopError('INVALID_REQUEST', `"id" is one of ${subjects.join(', ')}.`);
}
