import { describe, expect, test } from 'bun:test';
import { sessionCookie, sessionOf, setCookie } from './sessions.ts';

const value = 'a'.repeat(43);

describe('the cookie of a session is found', () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['alone', `${sessionCookie}=${value}`, value],
    ['first', `${sessionCookie}=${value}; other=1`, value],
    ['last', `other=1; ${sessionCookie}=${value}`, value],
    ['between others', `a=b; ${sessionCookie}=${value}; c=d`, value],
    ['not inside of another', `x${sessionCookie}=${value}`, undefined],
    ['not as the value of another', `other=${sessionCookie}=${value}`, undefined],
    ['not when it is cut', `${sessionCookie}=${value.slice(1)}`, undefined],
    ['not when it is something else', `${sessionCookie}=${value.slice(1)}%`, undefined],
    ['not where there is none', 'a=b', undefined],
    ['not in nothing', '', undefined],
  ];
  for (const [name, cookies, expected] of cases) test(name, () => expect(sessionOf(cookies)).toBe(expected));
});

test('what is set is found again, and is for HTTPS alone there', () => {
  expect(sessionOf(setCookie(value, true).split(';')[0] ?? '')).toBe(value);
  expect(setCookie(value, true)).toContain('; Secure');
  expect(setCookie(value, false)).not.toContain('Secure');
  expect(setCookie(undefined, false)).toContain('Max-Age=0');
});
