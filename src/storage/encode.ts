// How attribute values look in generated columns and side tables, so that comparing columns compares values.
//
//   ID, String   text                      Int, Long, Float   number
//   Boolean      1 / 0                     Date               text, ISO 8601 in UTC with milliseconds
//   BigInt       text that sorts as the numbers do (bigIntKey)
//   Any          text or number; true and false are one-byte blobs so that they equal no number; null and absent are null

import type { Json } from '../base/index.ts';
import type { ScalarType } from '../schema/index.ts';

export type SqlValue = string | number | null | Uint8Array;

/** The SQL expression that makes a column of `scalar` from JSON text `source` at JSON path `path` (a SQL string literal). */
export function columnExpression(scalar: ScalarType, source: string, path: string): string {
  switch (scalar) {
    case 'BigInt':
      return bigIntKeySql(`${source} -> ${path}`);
    case 'Any':
      return anySql(`json_type(${source}, ${path})`, `json_extract(${source}, ${path})`);
    default:
      return `json_extract(${source}, ${path})`;
  }
}

/** The SQL expression for one element of a list in a `json_each` row called `alias`. */
export function elementExpression(scalar: ScalarType, alias: string): string {
  if (scalar === 'BigInt') return bigIntKeySql(`${alias}.value`);
  if (scalar === 'Any') return anySql(`${alias}.type`, `${alias}.value`);
  return `${alias}.value`;
}

/** The value of a column for comparing with `value`, which has the attribute's type already. */
export function encodeValue(scalar: ScalarType, value: Json | bigint): SqlValue {
  if (value === null) return null;
  if (scalar === 'BigInt') return bigIntKey(BigInt(value as string | number | bigint));
  if (typeof value === 'boolean') return scalar === 'Any' ? new Uint8Array([value ? 1 : 0]) : Number(value);
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return Number(value);
  return JSON.stringify(value);
}

/** Text that orders as the number does: sign, then number of digits, then digits; for negatives both inverted. */
export function bigIntKey(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString();
  if (value >= 0n) return `p${String(digits.length).padStart(4, '0')}${digits}`;
  return `n${String(9999 - digits.length).padStart(4, '0')}${digits.replace(/[0-9]/g, (digit) => negativeDigits[Number(digit)] ?? '')}`;
}

const negativeDigits = 'jihgfedcba';

function bigIntKeySql(text: string): string {
  let inverted = `substr(${text}, 2)`;
  for (let digit = 0; digit < 10; digit++) inverted = `replace(${inverted}, '${digit}', '${negativeDigits[digit]}')`;
  return (
    `CASE WHEN ${text} IS NULL OR ${text} = 'null' THEN NULL WHEN substr(${text}, 1, 1) = '-' ` +
    `THEN 'n' || printf('%04d', 10000 - length(${text})) || ${inverted} ` +
    `ELSE 'p' || printf('%04d', length(${text})) || (${text}) END`
  );
}

function anySql(type: string, value: string): string {
  return `CASE ${type} WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE ${value} END`;
}
