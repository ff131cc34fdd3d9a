// Errors as responses: RFC 9457 problem details, `application/problem+json`.

import { type ErrorCode, errorTable, problemType, ZerohopError } from '../../base/index.ts';
import { toJson } from './formats.ts';
import { nosniff } from './secure-headers.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId?: string;
  readonly [field: string]: unknown;
}

export interface ProblemOptions {
  /** Show the message of unexpected errors to the client. */
  readonly dev: boolean;
  readonly requestId?: string | undefined;
}

/** Anything thrown as problem details. */
export function problemOf(error: unknown, options: ProblemOptions): Problem {
  const { status, code, title, detail, fields } = describe(error, options.dev);
  return {
    ...fields,
    type: problemType(code),
    title,
    status,
    detail,
    code,
    ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
  };
}

/** Whether an error is a surprise, which belongs in the log, rather than an answer. */
export function isUnexpected(error: unknown): boolean {
  if (error instanceof Response) return false;
  const { status } = describe(error, false);
  return status === 500 || (status > 500 && !(error instanceof ZerohopError));
}

/** Anything thrown as a response. A thrown Response is that response. */
export function problemResponse(error: unknown, options: ProblemOptions): Response {
  if (error instanceof Response) return error;
  const problem = problemOf(error, options);
  const headers = new Headers({ 'content-type': 'application/problem+json', ...nosniff });
  if (problem.status === 503 || problem.status === 429) {
    headers.set('retry-after', String(problem.retryAfterSeconds ?? 1));
  }
  const rate = problem.rateLimit as { limit?: unknown; remaining?: unknown; resetS?: unknown } | undefined;
  for (const [name, value] of Object.entries(rate ?? {}))
    headers.set(`ratelimit-${name === 'resetS' ? 'reset' : name}`, String(value));
  if (problem.status === 401) headers.set('www-authenticate', 'Basic realm="Zerohop", Bearer');
  // RFC 7694 §3: which codings would do.
  if (problem.status === 415 && typeof problem.acceptEncoding === 'string')
    headers.set('accept-encoding', problem.acceptEncoding);
  if (Array.isArray(problem.allow)) headers.set('allow', problem.allow.join(', '));
  if (problem.status === 416 && typeof problem.size === 'number')
    headers.set('content-range', `bytes */${problem.size}`);
  // The rest of a body that was given up on would be read as the next request.
  if (problem.status === 408 || problem.status === 413) headers.set('connection', 'close');
  return new Response(toJson(problem), { status: problem.status, headers });
}

interface Description {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function describe(error: unknown, dev: boolean): Description {
  if (error instanceof ZerohopError) {
    const kind = errorTable[error.code];
    return { ...kind, code: error.code, detail: error.message, fields: error.fields };
  }
  return thrownWithStatus(error) ?? unexpected(error, dev);
}

/** An Error or plain object of app code that says which status it means. */
function thrownWithStatus(error: unknown): Description | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { statusCode, status, message, code, stack: _, ...rest } = error as Record<string, unknown>;
  const wanted = statusCode ?? status;
  if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 400 || wanted > 599) return undefined;
  const known = codeOfStatus.get(wanted) ?? 'APPLICATION_ERROR';
  return {
    status: wanted,
    code: typeof code === 'string' && /^[A-Za-z][\w.-]{0,63}$/.test(code) ? code : known,
    title: codeOfStatus.has(wanted) ? errorTable[known].title : 'The application refused',
    detail: String((error instanceof Error ? error.message : message) ?? errorTable[known].title),
    fields: error instanceof Error ? {} : rest,
  };
}

function unexpected(error: unknown, dev: boolean): Description {
  const detail = dev
    ? String(error instanceof Error ? error.message : error)
    : 'Something went wrong. The log of the node says what.';
  return { ...errorTable.INTERNAL, code: 'INTERNAL', detail, fields: {} };
}

const codeOfStatus = new Map<number, ErrorCode>([
  [400, 'INVALID_REQUEST'],
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [406, 'NOT_ACCEPTABLE'],
  [409, 'CONFLICT'],
  [412, 'PRECONDITION_FAILED'],
  [413, 'BODY_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [429, 'TOO_MANY_REQUESTS'],
  [501, 'NOT_IMPLEMENTED'],
  [503, 'OVERLOADED'],
]);
