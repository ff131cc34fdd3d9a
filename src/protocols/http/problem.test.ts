import { describe, expect, test } from 'bun:test';
import { ZerohopError } from '../../base/index.ts';
import { isUnexpected, problemOf, problemResponse } from './problem.ts';

const withStatus = (fields: Record<string, unknown>) => Object.assign(new Error('no tea'), fields);

describe('problemOf', () => {
  const cases: readonly (readonly [string, unknown, Record<string, unknown>])[] = [
    [
      'an expected error',
      new ZerohopError('UNKNOWN_ATTRIBUTE', 'Product has no colour.', { attribute: 'colour' }),
      { status: 400, code: 'UNKNOWN_ATTRIBUTE', detail: 'Product has no colour.', attribute: 'colour' },
    ],
    ['statusCode', withStatus({ statusCode: 418 }), { status: 418, code: 'APPLICATION_ERROR', detail: 'no tea' }],
    ['status', withStatus({ status: 404 }), { status: 404, code: 'NOT_FOUND', detail: 'no tea' }],
    ['own code', withStatus({ status: 402, code: 'PAY_FIRST' }), { status: 402, code: 'PAY_FIRST' }],
    [
      'a plain object',
      { status: 409, message: 'taken', by: 'ann' },
      { status: 409, code: 'CONFLICT', detail: 'taken', by: 'ann' },
    ],
    [
      'a bug',
      new TypeError('x is undefined'),
      { status: 500, code: 'INTERNAL', detail: expect.not.stringContaining('undefined') },
    ],
    ['text', 'oops', { status: 500, code: 'INTERNAL', detail: expect.not.stringContaining('oops') }],
    ['a status that is no error', { status: 200 }, { status: 500, code: 'INTERNAL' }],
    ['a status out of range', { status: 4040 }, { status: 500 }],
    ['nothing', undefined, { status: 500 }],
  ];
  for (const [name, error, expected] of cases) {
    test(name, () => expect(problemOf(error, { dev: false })).toMatchObject(expected));
  }
  test('the message of a bug is shown while developing, the stack never', () => {
    const problem = problemOf(new TypeError('x is undefined'), { dev: true });
    expect(problem.detail).toBe('x is undefined');
    expect(JSON.stringify(problem)).not.toContain('problem.test');
  });
  test('fields can not replace what the standard names', () => {
    const error = new ZerohopError('NOT_FOUND', 'No.', { status: 200, type: 'x', code: 'y' });
    expect(problemOf(error, { dev: false })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });
});

describe('problemResponse', () => {
  const header = async (error: unknown, name: string) => problemResponse(error, { dev: false }).headers.get(name);
  test('is application/problem+json with the request id', async () => {
    const response = problemResponse(new ZerohopError('NOT_FOUND', 'No 7.'), { dev: false, requestId: 'r1' });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'https://zerohop.dev/errors/NOT_FOUND',
      title: 'Not found',
      status: 404,
      detail: 'No 7.',
      code: 'NOT_FOUND',
      requestId: 'r1',
    });
  });
  const cases: readonly (readonly [unknown, string, string])[] = [
    [new ZerohopError('OVERLOADED', '', { retryAfterSeconds: 7 }), 'retry-after', '7'],
    [new ZerohopError('READ_ONLY', ''), 'retry-after', '1'],
    [new ZerohopError('METHOD_NOT_ALLOWED', '', { allow: ['GET', 'HEAD'] }), 'allow', 'GET, HEAD'],
    [new ZerohopError('RANGE_NOT_SATISFIABLE', '', { size: 10 }), 'content-range', 'bytes */10'],
    [new ZerohopError('BODY_TOO_LARGE', ''), 'connection', 'close'],
    [new ZerohopError('UNAUTHENTICATED', ''), 'www-authenticate', 'Basic realm="Zerohop", Bearer'],
  ];
  for (const [error, name, value] of cases) {
    test(`${name}: ${value}`, async () => expect(await header(error, name)).toBe(value));
  }
  test('a thrown Response is the response', () => {
    const thrown = new Response('gone', { status: 410 });
    expect(problemResponse(thrown, { dev: false })).toBe(thrown);
  });
});

test('only surprises are unexpected', () => {
  expect(isUnexpected(new TypeError('x'))).toBe(true);
  expect(isUnexpected(withStatus({ status: 500 }))).toBe(true);
  expect(isUnexpected(withStatus({ status: 404 }))).toBe(false);
  expect(isUnexpected(new ZerohopError('OVERLOADED', ''))).toBe(false);
  expect(isUnexpected(new ZerohopError('NOT_CONFIRMED', ''))).toBe(false);
  expect(isUnexpected(new ZerohopError('INTERNAL', ''))).toBe(true);
});
