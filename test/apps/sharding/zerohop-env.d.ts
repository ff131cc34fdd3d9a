// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

export interface Reading {
  readonly id: string;
  readonly text?: string | null;
  readonly count?: number | null;
}

/** What creating a Reading takes: ids, times and defaults that the runtime fills in may be left out. */
export interface ReadingInsert {
  id?: string | null;
  text?: string | null;
  count?: number | null;
}

export interface Numbered {
  readonly id: number;
  readonly text?: string | null;
}

/** What creating a Numbered takes: ids, times and defaults that the runtime fills in may be left out. */
export interface NumberedInsert {
  id?: number | null;
  text?: string | null;
}

declare module 'zerohop' {
  interface Tables {
    "Reading": TableClass<Reading, ReadingInsert>;
    "Numbered": TableClass<Numbered, NumberedInsert>;
  }
}
