import { expect, test } from 'bun:test';
import { isPrivate } from './render-requests.ts';

test.each([
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['169.254.169.254', true],
  ['100.64.0.1', true],
  ['0.0.0.0', true],
  ['239.1.1.1', true],
  ['93.184.216.34', false],
  ['::1', true],
  ['::', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:93.184.216.34', false],
  ['::ffff:7f00:1', true],
  ['64:ff9b::7f00:1', true],
  ['2606:2800:220:1::1', false],
  ['no address', true],
])('whether %s is of a private network: %p', (address, expected) => expect(isPrivate(address)).toBe(expected));
