import { expect, test } from 'bun:test';
import { databases, readAddress, routes } from './cluster-kinds.ts';

test.each([
  ['db-2', { host: 'db-2', port: 9933 }],
  ['db-2:1', { host: 'db-2', port: 1 }],
  ['wss://db-2.example.com:9934/', { host: 'db-2.example.com', port: 9934 }],
  ['[::1]:9933', { host: '::1', port: 9933 }],
  ['[::1]', { host: '::1', port: 9933 }],
  ['::1', undefined],
  ['db-2:0', undefined],
  ['db-2:65536', undefined],
  ['user@db-2', undefined],
  ['http://db-2', undefined],
  ['', undefined],
])('the address %s is %o', (text, address) => {
  expect(readAddress(text)).toEqual(address);
});

const both = { sends: true, receives: true };
test.each([
  ['', []],
  ['db-2', [{ host: 'db-2', port: 9933, ...both }]],
  [
    'db-2:1?receives=false, db-3',
    [
      { host: 'db-2', port: 1, sends: true, receives: false },
      { host: 'db-3', port: 9933, ...both },
    ],
  ],
  ['db-2?receive=false', undefined],
  ['db-2?receives=no', undefined],
])('the routes %s are %j', (text, list) => {
  expect(routes.fromText(text)).toEqual(list);
});

test.each([
  [['db-2'], [{ host: 'db-2', port: 9933, ...both }]],
  [[{ hostname: 'db-2', port: 1 }], [{ host: 'db-2', port: 1, ...both }]],
  [[{ host: 'db-2', receives: false }], [{ host: 'db-2', port: 9933, sends: true, receives: false }]],
  [
    [{ hostname: 'db-2', replicates: { sends: false, receives: true } }],
    [{ host: 'db-2', port: 9933, sends: false, receives: true }],
  ],
  [[{ host: 'db-2', color: 'red' }], undefined],
  [[{ port: 1 }], undefined],
  ['db-2', undefined],
])('the routes %j of a file are %j', (value, list) => {
  expect(routes.fromValue(value)).toEqual(list);
});

test.each([
  ['*', ['*']],
  ['data,site', ['data', 'site']],
  ['data,../x', undefined],
])('the databases %s are %j', (text, list) => {
  expect(databases.fromText(text)).toEqual(list);
});
