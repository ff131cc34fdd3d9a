// Counting in a patch, as data: `{ "stock": { "$add": -1, "$min": 0 } }` adds to the number, whatever it is by then, and is refused as a
// whole when it would come below the minimum.

import { ZerohopError } from '../base/index.ts';

export interface Counts {
  /** The attributes that are set. */
  readonly set: Readonly<Record<string, unknown>>;
  readonly add: Readonly<Record<string, number>>;
  readonly minimum: Readonly<Record<string, number>>;
}

/** Undefined: nothing is counted. Throws VALIDATION_FAILED. */
export function countsIn(changes: Readonly<Record<string, unknown>>): Counts | undefined {
  if (!Object.values(changes).some(isCount)) return undefined;
  const set: Record<string, unknown> = {};
  const add: Record<string, number> = {};
  const minimum: Record<string, number> = {};
  for (const [name, value] of Object.entries(changes)) {
    if (!isCount(value)) {
      set[name] = value;
      continue;
    }
    const { $add, $min, ...rest } = value;
    const isValid = isNumber($add) && ($min === undefined || isNumber($min)) && Object.keys(rest).length === 0;
    if (!isValid) {
      throw new ZerohopError(
        'VALIDATION_FAILED',
        `"${name}": a count is {"$add": number}, with "$min": number if it has a minimum.`,
        {
          attribute: name,
        },
      );
    }
    add[name] = $add;
    if (isNumber($min)) minimum[name] = $min;
  }
  return { set, add, minimum };
}

function isCount(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$add');
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
