// Arithmetic of version vectors. Pure.

import type { Vector } from './remote-types.ts';

/** Whether `a` has everything that `b` has. */
export function covers(a: Vector, b: Vector): boolean {
  for (const [origin, seq] of b) if ((a.get(origin) ?? 0) < seq) return false;
  return true;
}

/** What either has. */
export function union(a: Vector, b: Vector): Vector {
  const both = new Map(a);
  for (const [origin, seq] of b) if (seq > (both.get(origin) ?? 0)) both.set(origin, seq);
  return both;
}

/** The entries of `a` that are beyond `b`. */
export function beyond(a: Vector, b: Vector): Vector {
  return new Map([...a].filter(([origin, seq]) => seq > (b.get(origin) ?? 0)));
}

export function sameVector(a: Vector, b: Vector): boolean {
  return covers(a, b) && covers(b, a);
}
