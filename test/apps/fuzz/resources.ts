import { type RequestTarget, tables } from 'zerohop';

const { Item } = tables;
if (!Item) throw new Error('no table Item');

/** A class that passes on what a table gives. */
export class Passing extends Item {
  static override async get(target: RequestTarget) {
    return super.get(target);
  }
}

/** The same, in the older style. */
export class Older extends Item {
  override get(target: unknown): unknown {
    return super.get(target);
  }
}
