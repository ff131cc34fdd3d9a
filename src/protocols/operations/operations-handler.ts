// The operations port: health, readiness, metrics, and `POST /` with an operation by name. Loopback only by default (configuration
// `operations.host`). The same is served on a socket in the data folder, where whoever can open it is administrator.

import { limits, nearest, ZerohopError } from '../../base/index.ts';
import { administrator, type ClientCertificate, type User } from '../../security/index.ts';
import { isUnexpected, problemOf, problemResponse, toJson } from '../http/index.ts';
import type { IdentifyCaller, Operation } from './types.ts';

export interface OperationsOptions {
  /** Null: ready. Otherwise why not. */
  readonly notReady: () => string | null;
  /** The Prometheus page and its content type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  readonly operations: readonly Operation[];
  readonly identify: IdentifyCaller;
  /** The user that the request's `impersonate` names. Throws FORBIDDEN unless `user` is super user. */
  readonly actAs?: (user: User | null, wanted: unknown) => User;
  /** What the user's role says of an operation by name; undefined: nothing. */
  readonly mayCall?: (user: User, operation: string) => boolean | undefined;
  /** Told of errors that are nobody's expected mistake. */
  readonly failed: (operation: string, error: unknown) => void;
}

/** @param address of the caller; null: over the socket in the data folder */
export type OperationsHandler = (
  request: Request,
  address: string | null,
  certificate?: ClientCertificate,
) => Promise<Response>;

export function createOperationsHandler(options: OperationsOptions): OperationsHandler {
  const list: Operation = {
    name: 'list_operations',
    access: 'super_user',
    run: async () => [...operations.values()].map(({ name, access }) => ({ name, access })),
  };
  const operations = new Map([...options.operations, list].map((operation) => [operation.name, operation] as const));
  return async (request, address, certificate) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/') return await answerOperation(request, { address, certificate }, operations, options);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return methodNotAllowed(`${pathname} can only be read.`, ['GET', 'HEAD']);
    switch (pathname) {
      case '/health':
        return new Response('Zerohop is running.\n');
      case '/ready': {
        const reason = options.notReady();
        return new Response(reason === null ? 'ready\n' : `not ready: ${reason}\n`, {
          status: reason === null ? 200 : 503,
        });
      }
      case '/metrics': {
        const { text, contentType } = await options.metrics();
        return new Response(text, { headers: { 'content-type': contentType } });
      }
      default:
        return problem(
          new ZerohopError(
            'NOT_FOUND',
            `There is no ${pathname} here. Try /health, /ready or /metrics; operations are POSTed to /.`,
          ),
        );
    }
  };
}

interface Sender {
  readonly address: string | null;
  readonly certificate: ClientCertificate | undefined;
}

async function answerOperation(
  request: Request,
  { address, certificate }: Sender,
  operations: ReadonlyMap<string, Operation>,
  options: OperationsOptions,
): Promise<Response> {
  let name = '';
  try {
    if (request.method !== 'POST')
      return methodNotAllowed('Operations are POSTed as JSON: {"operation": "…"}.', ['POST']);
    const body = await bodyOf(request);
    name = typeof body.operation === 'string' ? body.operation : '';
    const operation = operations.get(name);
    if (!operation) throw unknownOperation(body.operation, [...operations.keys()]);
    const caller =
      address === null ? administrator : await identifyFor(operation, request, { address, certificate }, options);
    const user = body.impersonate === undefined || !options.actAs ? caller : options.actAs(caller, body.impersonate);
    demandAccess(operation, user, options);
    const { headers, signal } = request;
    const answer = await operation.run({ user, body, isLocal: address === null, address, headers, signal });
    return answer instanceof Response ? answer : Response.json(answer ?? { message: 'done' });
  } catch (error) {
    if (isUnexpected(error)) options.failed(name, error);
    return problem(error);
  }
}

async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > limits.operationBytes) throw tooLarge();
  const text = await request.text();
  if (text.length > limits.operationBytes) throw tooLarge();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new ZerohopError(
      'INVALID_BODY',
      `The request is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ZerohopError('INVALID_BODY', 'Send an object: {"operation": "…"}.');
  return { ...body };
}

function tooLarge(): ZerohopError {
  return new ZerohopError('BODY_TOO_LARGE', `An operation may have ${limits.operationBytes} bytes at most.`);
}

function unknownOperation(name: unknown, known: readonly string[]): ZerohopError {
  if (typeof name !== 'string') return new ZerohopError('INVALID_REQUEST', 'Name the operation: {"operation": "…"}.');
  const close = nearest(name, known);
  return new ZerohopError(
    'INVALID_REQUEST',
    `There is no operation ${name}.${close === undefined ? '' : ` Did you mean ${close}?`}`,
  );
}

/** What anybody may call may come with credentials of its own kind, such as a token to be refreshed. */
async function identifyFor(
  { access }: Operation,
  request: Request,
  { address, certificate }: Sender & { readonly address: string },
  { identify }: OperationsOptions,
): Promise<User | null> {
  try {
    return await identify(request, address, certificate);
  } catch (error) {
    if (access === 'anyone' && error instanceof ZerohopError && error.code === 'UNAUTHENTICATED') return null;
    throw error;
  }
}

/** Throws UNAUTHENTICATED or FORBIDDEN. */
function demandAccess({ name, access }: Operation, user: User | null, { mayCall }: OperationsOptions): void {
  if (access === 'anyone' || user?.superUser) return;
  const said = user === null ? undefined : mayCall?.(user, name);
  if (said === true) return;
  if (said === false) throw new ZerohopError('FORBIDDEN', `The role ${user?.role.id} may not call ${name}.`);
  if (user === null) throw new ZerohopError('UNAUTHENTICATED', `To call ${name}, send credentials.`);
  if (access === 'super_user') throw new ZerohopError('FORBIDDEN', `Only a super user may call ${name}.`);
}

/** RFC 9457, and `error`, where existing clients of the operations API look. */
function problem(error: unknown): Response {
  const { headers, status } = problemResponse(error, { dev: false });
  const body = problemOf(error, { dev: false });
  return new Response(toJson({ ...body, error: body.detail }), { status, headers });
}

function methodNotAllowed(detail: string, allow: readonly string[]): Response {
  return problem(new ZerohopError('METHOD_NOT_ALLOWED', detail, { allow }));
}
