// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

export interface Person {
  readonly id: string;
  readonly region?: string | null;
  readonly count?: number | null;
}

/** What creating a Person takes: ids, times and defaults that the runtime fills in may be left out. */
export interface PersonInsert {
  id?: string | null;
  region?: string | null;
  count?: number | null;
}

declare module 'zerohop' {
  interface Tables {
    "Person": TableClass<Person, PersonInsert>;
  }
}
