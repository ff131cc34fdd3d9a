// Operations that begin jobs, and those that tell of them.

import { assert, type Logger, ZerohopError } from '../../base/index.ts';
import type { AppNode } from '../../resources/index.ts';
import type { Table } from '../../tables/index.ts';
import { exportKinds, type Search } from './export-jobs.ts';
import { type Body, text } from './fields.ts';
import { type Job, Jobs } from './jobs.ts';
import { loadKinds } from './load-jobs.ts';
import type { Operation } from './types.ts';

/**
 * @param table of jobs
 * @param search what exports find
 * @returns the operations, once jobs that were under way when the node ended have been taken up
 */
export function jobOperations(node: AppNode, table: Table | undefined, search: Search, log: Logger): Operation[] {
  assert(table, 'the table of jobs is declared before the node starts');
  const kinds = new Map([...loadKinds(node), ...exportKinds(node, search)]);
  const jobs = new Jobs(node, table, log, kinds);
  jobs.resume();
  return [
    ...Array.from(
      kinds,
      ([name, kind]): Operation => ({
        name,
        access: 'super_user',
        async run({ body, user }) {
          kind.check(body);
          const id = await jobs.begin(name, body, user?.username ?? '');
          return { message: `Starting job with id ${id}`, job_id: id };
        },
      }),
    ),
    {
      name: 'get_job',
      access: 'super_user',
      async run({ body }) {
        const id = text(body, 'id', 'job_id');
        const job = jobs.get(id);
        if (job === undefined) throw new ZerohopError('NOT_FOUND', `There is no job ${id}.`);
        return [shown(id, job)];
      },
    },
    {
      name: 'search_jobs_by_start_date',
      access: 'super_user',
      async run({ body }) {
        const [from, to] = [timeOf(body, 'from_date'), timeOf(body, 'to_date')];
        return jobs.startedBetween(from, to).map(([id, job]) => shown(id, job));
      },
    },
  ];
}

/** The body of the request is kept for going on, and shown without its data. */
function shown(id: string, { body: { data: _, ...request }, ...job }: Job): unknown {
  return { id, ...job, created_datetime: job.start_datetime, job_body: request };
}

function timeOf(body: Body, name: string): number {
  const ms = Date.parse(text(body, name));
  if (Number.isFinite(ms)) return ms;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" is a time such as 2026-05-01T12:00:00Z.`);
}
