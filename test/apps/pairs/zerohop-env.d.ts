// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

export interface LeftHalf {
  readonly id: string;
  readonly n?: number | null;
}

/** What creating a LeftHalf takes: ids, times and defaults that the runtime fills in may be left out. */
export interface LeftHalfInsert {
  id?: string | null;
  n?: number | null;
}

export interface RightHalf {
  readonly id: string;
  readonly n?: number | null;
}

/** What creating a RightHalf takes: ids, times and defaults that the runtime fills in may be left out. */
export interface RightHalfInsert {
  id?: string | null;
  n?: number | null;
}

declare module 'zerohop' {
  interface Tables {
    "LeftHalf": TableClass<LeftHalf, LeftHalfInsert>;
    "RightHalf": TableClass<RightHalf, RightHalfInsert>;
  }
}
