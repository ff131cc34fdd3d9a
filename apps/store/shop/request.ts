// What the shop reads of a request besides its URL: the basket's cookie and the body.

import { getContext } from 'zerohop';
import { Refusal } from './refusal.ts';

const month = 60 * 60 * 24 * 30;

/** The id of the visitor's basket; null when they have none yet. */
export function basketId(): string | null {
  const cookies = getContext().headers?.get('cookie') ?? '';
  return /(?:^|;\s*)basket=([0-9a-f-]{36})(?:;|$)/.exec(cookies)?.[1] ?? null;
}

/** Headers that keep the basket with the visitor. `basket-count` is for the page's own script: the pages themselves are the same for everybody. */
export function basketHeaders(id: string, count: number): Headers {
  const headers = new Headers({ 'cache-control': 'no-store' });
  headers.append('set-cookie', `basket=${id}; Path=/; Max-Age=${month}; HttpOnly; SameSite=Lax`);
  headers.append('set-cookie', `basket-count=${count}; Path=/; Max-Age=${month}; SameSite=Lax`);
  return headers;
}

/** A JSON object or an HTML form, as name → value. */
export async function readFields(data: unknown): Promise<Readonly<Record<string, unknown>>> {
  const body = await data;
  if (!isObject(body)) throw new Refusal(400, 'The body must be a JSON object or a form.');
  const { contentType, data: raw } = body;
  if (typeof contentType !== 'string' || !contentType.startsWith('application/x-www-form-urlencoded')) return body;
  const text = raw instanceof Uint8Array ? new TextDecoder().decode(raw) : String(raw);
  return Object.fromEntries(new URLSearchParams(text));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
