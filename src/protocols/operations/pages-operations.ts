// Operations on the page cache: how it stands, purges, warming, readiness for an outage, and switching origins off.

import { ZerohopError } from '../../base/index.ts';
import {
  mergeStatus,
  type OutageMode,
  type PagesAnswer,
  type PagesOrder,
  type PagesStatus,
  type PurgeRequest,
  type WarmOrder,
  type WarmProgress,
} from '../../pages/index.ts';
import type { Operation, OperationCall } from './types.ts';

type Body = OperationCall['body'];

/** Brings an order to the page cache of the node's first serve thread, or of all, and what came of it back. */
export type TellPages = (order: PagesOrder, whose: 'first' | 'all') => Promise<readonly PagesAnswer[]>;

export function pagesOperations(tell: TellPages): Operation[] {
  const operation = (name: string, run: (body: Body) => Promise<unknown>): Operation => ({
    name,
    access: 'super_user',
    run: ({ body }) => run(body),
  });
  return [
    operation('pages_status', async () => ({
      ...(await statusOf(tell)),
      warm: await warmed(tell, { do: 'progress' }),
    })),
    operation('pages_readiness', async () => (await statusOf(tell)).readiness),
    operation('pages_purge', async (body) => {
      const request = purgeOf(body);
      const [answer] = await tell({ do: 'purge', request }, 'first');
      return {
        purged: answer?.did === 'purge' ? answer.purged : 0,
        hard: request.soft !== true,
        dryRun: request.dryRun === true,
      };
    }),
    operation('pages_warm', async (body) => {
      const order: PagesOrder = body.progress === true ? { do: 'progress' } : { do: 'warm', order: warmOf(body) };
      return { warm: await warmed(tell, order) };
    }),
    operation('pages_outage', async (body) => {
      const mode = modeOf(body.mode);
      const site = text(body, 'site');
      await tell({ do: 'outage', mode, ...(site !== undefined && { site }) }, 'first');
      return { outage: mode, ...(site !== undefined && { site }) };
    }),
  ];
}

async function statusOf(tell: TellPages): Promise<PagesStatus> {
  const answers = await tell({ do: 'status' }, 'all');
  const [first, ...others] = answers.flatMap((answer) => (answer.did === 'status' ? [answer.status] : []));
  if (!first) throw new ZerohopError('OVERLOADED', 'No thread of the node has answered. Try again.');
  return mergeStatus([first, ...others]);
}

async function warmed(tell: TellPages, order: PagesOrder): Promise<readonly WarmProgress[]> {
  const [answer] = await tell(order, 'first');
  return answer?.did === 'progress' ? answer.progress : [];
}

function purgeOf(body: Body): PurgeRequest {
  const [url, tag] = [text(body, 'url'), text(body, 'tag')];
  return {
    ...(url !== undefined && { url }),
    ...(tag !== undefined && { tag }),
    ...(body.all === true && { all: true }),
    ...(body.soft === true && { soft: true }),
    ...((body.dryRun ?? body.dry_run) === true && { dryRun: true }),
  };
}

function warmOf(body: Body): WarmOrder {
  const site = text(body, 'site');
  const [sitemap, urls] = [listOf(body, 'sitemap'), listOf(body, 'urls')];
  const [concurrency, perSecond] = [countOf(body, 'concurrency'), countOf(body, 'perSecond')];
  return {
    ...(site !== undefined && { site }),
    ...(sitemap !== undefined && { sitemap }),
    ...(urls !== undefined && { urls }),
    ...(concurrency !== undefined && { concurrency }),
    ...(perSecond !== undefined && { perSecond }),
    ...(body.stop === true && { stop: true }),
  };
}

const modes: Readonly<Record<string, OutageMode>> = {
  on: 'on',
  forbid: 'on',
  off: 'auto',
  auto: 'auto',
  force: 'force',
};

function modeOf(value: unknown): OutageMode {
  const mode = typeof value === 'string' ? modes[value] : undefined;
  if (mode !== undefined) return mode;
  throw new ZerohopError(
    'INVALID_REQUEST',
    `"mode" is one of ${Object.keys(modes).join(', ')}, not ${JSON.stringify(value) ?? 'missing'}.`,
  );
}

function text(body: Body, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || (typeof value === 'string' && value !== '')) return value ?? undefined;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" must be text, not ${JSON.stringify(value)}.`);
}

function listOf(body: Body, name: string): readonly string[] | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = list.filter((one) => typeof one === 'string');
  if (texts.length === list.length) return texts;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" must be a list of addresses.`);
}

function countOf(body: Body, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" must be a whole number from 1.`);
}
