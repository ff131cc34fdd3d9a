// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

export interface Parcel {
  readonly id: string;
  readonly text?: string | null;
}

/** What creating a Parcel takes: ids, times and defaults that the runtime fills in may be left out. */
export interface ParcelInsert {
  id?: string | null;
  text?: string | null;
}

declare module 'zerohop' {
  interface Tables {
    "Parcel": TableClass<Parcel, ParcelInsert>;
  }
}
