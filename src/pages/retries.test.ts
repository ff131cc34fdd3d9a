import { expect, test } from 'bun:test';
import { ZerohopError } from '../base/index.ts';
import { Retries, retryLimits } from './retries.ts';

const failures = (retries: Retries, error: unknown, count: number) =>
  Array.from({ length: count }, () => retries.failed(error));

test('what fails in the same way is told once, and tried after pauses that grow to a limit', () => {
  const full = new ZerohopError('STORAGE_FULL', 'full');
  const verdicts = failures(new Retries(), full, 30);
  expect(verdicts.map(({ said }) => said)).toEqual(['failed', ...Array.from({ length: 29 }, () => undefined)]);
  expect(verdicts.slice(0, 3).map(({ pauseMs }) => pauseMs)).toEqual([500, 1000, 2000]);
  expect(verdicts.at(-1)?.pauseMs).toBe(retryLimits.longestMs);
});

test('another reason, and success, are told', () => {
  const retries = new Retries();
  expect(retries.succeeded()).toEqual({ pauseMs: retryLimits.firstMs });
  expect(retries.failed(new Error('a')).said).toBe('failed');
  expect(retries.failed(new Error('b')).said).toBe('failed');
  expect(retries.succeeded()).toEqual({ pauseMs: retryLimits.firstMs, said: 'recovered' });
  expect(retries.succeeded().said).toBeUndefined();
});

test('what can never be done is given up', () => {
  const retries = new Retries();
  const verdicts = failures(retries, new SyntaxError('no JSON'), retryLimits.attempts);
  expect(verdicts.at(-1)).toEqual({ pauseMs: retryLimits.firstMs, said: 'given up' });
  expect(verdicts.filter(({ said }) => said !== undefined).length).toBe(2);
  expect(retries.succeeded().said).toBeUndefined();
});
