import { expect, test } from 'bun:test';
import { findRival, knownRivals } from './rivals.ts';

test.each([
  ['', []],
  ['microservices=http://localhost:9928', [{ name: 'microservices', origin: 'http://localhost:9928' }]],
  [
    ' monolith=http://a.example/ignored, microservices=https://b.example ',
    [
      { name: 'monolith', origin: 'http://a.example' },
      { name: 'microservices', origin: 'https://b.example' },
    ],
  ],
  ['other=http://localhost:1', []],
  ['monolith=javascript:alert(1)', []],
  ['monolith', []],
] as const)('SHOP_RIVALS=%p', (text, rivals) => {
  expect(knownRivals(text)).toEqual([...rivals]);
});

test.each([
  ['http://localhost:9928', null, { name: 'microservices', origin: 'http://localhost:9928' }],
  ['http://127.0.0.1:1/x?y', 'unified', { name: 'unified', origin: 'http://127.0.0.1:1' }],
  ['http://[::1]:1', 'monolith', { name: 'monolith', origin: 'http://[::1]:1' }],
  ['http://localhost:1', 'nonsense', { name: 'microservices', origin: 'http://localhost:1' }],
  ['http://localhost.evil.example', null, undefined],
  ['https://evil.example', null, undefined],
  ['javascript:alert(1)', null, undefined],
  [null, null, undefined],
] as const)('?rival=%p&name=%p', (rival, name, found) => {
  expect(findRival({ rival, name })).toEqual(found);
});
