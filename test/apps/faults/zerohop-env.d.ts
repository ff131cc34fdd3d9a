// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

export interface Item {
  readonly id: string;
  readonly name?: string | null;
  readonly count?: number | null;
  readonly price?: number | null;
  readonly flag?: boolean | null;
  readonly at?: Date | null;
  readonly tags?: readonly (string | null)[] | null;
  readonly data?: any | null;
  readonly updated: number;
}

/** What creating a Item takes: ids, times and defaults that the runtime fills in may be left out. */
export interface ItemInsert {
  id?: string | null;
  name?: string | null;
  count?: number | null;
  price?: number | null;
  flag?: boolean | null;
  at?: Date | number | string | null;
  tags?: (string | null)[] | null;
  data?: any | null;
  updated?: number | null;
}

export interface Tally {
  readonly id: number;
  readonly value?: number | null;
}

/** What creating a Tally takes: ids, times and defaults that the runtime fills in may be left out. */
export interface TallyInsert {
  id?: number | null;
  value?: number | null;
}

export interface Account {
  readonly id: string;
  readonly email?: string | null;
  readonly balance?: number | null;
}

/** What creating a Account takes: ids, times and defaults that the runtime fills in may be left out. */
export interface AccountInsert {
  id?: string | null;
  email?: string | null;
  balance?: number | null;
}

export interface Left {
  readonly id: string;
  readonly writer?: number | null;
}

/** What creating a Left takes: ids, times and defaults that the runtime fills in may be left out. */
export interface LeftInsert {
  id?: string | null;
  writer?: number | null;
}

export interface Right {
  readonly id: string;
  readonly writer?: number | null;
}

/** What creating a Right takes: ids, times and defaults that the runtime fills in may be left out. */
export interface RightInsert {
  id?: string | null;
  writer?: number | null;
}

declare module 'zerohop' {
  interface Tables {
    "Item": TableClass<Item, ItemInsert>;
    "Tally": TableClass<Tally, TallyInsert>;
    "Account": TableClass<Account, AccountInsert>;
    "Left": TableClass<Left, LeftInsert>;
    "Right": TableClass<Right, RightInsert>;
  }
}
