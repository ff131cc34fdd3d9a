// Made by `zerohop types` from the schema. Do not edit: changes are overwritten.

import type { TableClass } from 'zerohop';

export interface Note {
  readonly id: string;
  readonly text?: string | null;
  readonly by?: string | null;
  readonly count?: number | null;
  readonly members?: any | null;
}

/** What creating a Note takes: ids, times and defaults that the runtime fills in may be left out. */
export interface NoteInsert {
  id?: string | null;
  text?: string | null;
  by?: string | null;
  count?: number | null;
  members?: any | null;
}

export interface Ticket {
  readonly id: number;
  readonly by?: string | null;
}

/** What creating a Ticket takes: ids, times and defaults that the runtime fills in may be left out. */
export interface TicketInsert {
  id?: number | null;
  by?: string | null;
}

export interface Private {
  readonly id: string;
  readonly text?: string | null;
}

/** What creating a Private takes: ids, times and defaults that the runtime fills in may be left out. */
export interface PrivateInsert {
  id?: string | null;
  text?: string | null;
}

declare module 'zerohop' {
  interface Tables {
    "Note": TableClass<Note, NoteInsert>;
    "Ticket": TableClass<Ticket, TicketInsert>;
    "Private": TableClass<Private, PrivateInsert>;
  }
}
