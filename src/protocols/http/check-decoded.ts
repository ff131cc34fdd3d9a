// What every decoded request body must keep to, whichever encoding it came in.

import { limits, ZerohopError } from '../../base/index.ts';

/**
 * Refuses values nested too deeply for code that walks them, and the key `__proto__`, which would change an object's prototype when
 * copied by assignment. Integers that fit a number become numbers: the binary decoders give bigints for 8-byte integers of any size.
 */
export function checkDecoded(value: unknown): unknown {
  return check(value, 0);
}

function check(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= limits.bodyDepth) {
    throw new ZerohopError('INVALID_BODY', `The body is nested more than ${limits.bodyDepth} levels deep.`);
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (typeof item === 'object' || typeof item === 'bigint') value[index] = check(item, depth + 1);
    }
    return value;
  }
  if (!isPlain(value)) return value;
  for (const key in value) {
    if (key === '__proto__') throw new ZerohopError('INVALID_BODY', 'The key __proto__ is not allowed in a body.');
    const item = value[key];
    if (typeof item === 'object' || typeof item === 'bigint') value[key] = check(item, depth + 1);
  }
  return value;
}

/** Neither a date, bytes, a map nor anything else a decoder makes with a class of its own. */
function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
