// The page cache over HTTP, for administrators: how it stands, and orders to it.
//
//   GET  → status and readiness          POST { "purge": {…} } | { "outage": "on", "site": "…" } → what came of it

import { ZerohopError } from '../base/index.ts';
import type { PagesControl, PurgeRequest } from './control.ts';
import type { OutageMode } from './shield.ts';
import type { PageRequest } from './types.ts';

export const controlPath = '/.well-known/zerohop/pages';

/** Largest order, in bytes. */
const orderBytes = 64 * 1024;

export async function answerControl(control: PagesControl, request: PageRequest): Promise<Response> {
  const { user, method } = request;
  if (user === null)
    throw new ZerohopError('UNAUTHENTICATED', 'The page cache is controlled by administrators. Log in.');
  if (!user.superUser) throw new ZerohopError('FORBIDDEN', 'The page cache is controlled by administrators.');
  const headers = { 'cache-control': 'no-store' };
  if (method === 'GET') return Response.json(control.status(Date.now()), { headers });
  if (method !== 'POST') throw new ZerohopError('METHOD_NOT_ALLOWED', `${controlPath} has GET and POST.`);
  const order = await readOrder(request);
  if (order.purge) return Response.json({ purged: await control.purge(order.purge) }, { headers });
  if (order.outage) {
    await control.outage(order.outage, order.site);
    return Response.json({ outage: order.outage }, { headers });
  }
  throw new ZerohopError('INVALID_REQUEST', 'An order is { "purge": … } or { "outage": "on", "force" or "auto" }.');
}

interface Order {
  readonly purge?: PurgeRequest;
  readonly outage?: OutageMode;
  readonly site?: string;
}

async function readOrder({ body }: PageRequest): Promise<Order> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > orderBytes) throw new ZerohopError('BODY_TOO_LARGE', `An order has ${orderBytes} bytes at most.`);
    chunks.push(chunk);
  }
  try {
    const order: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (typeof order === 'object' && order !== null) return order;
  } catch {
    // Said below.
  }
  throw new ZerohopError('INVALID_BODY', 'An order is a JSON object.');
}
