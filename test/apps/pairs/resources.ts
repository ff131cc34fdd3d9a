import { databases, type RequestTarget, Resource } from 'zerohop';

const { LeftHalf, RightHalf } = databases.data;

/** Two records in two tables that are always written together, and read from one state of the data. */
export class Pair extends Resource {
  static override async get(target: RequestTarget) {
    const id = String(target.id);
    return { left: (await LeftHalf.get(id))?.n ?? 0, right: (await RightHalf.get(id))?.n ?? 0 };
  }

  static override async put(target: RequestTarget, data: unknown) {
    const { n } = (await data) as { readonly n: number };
    await LeftHalf.put(String(target.id), { n });
    await RightHalf.put(String(target.id), { n });
  }

  /** Adds to both. */
  static override async patch(target: RequestTarget, data: unknown) {
    const { n } = (await data) as { readonly n: number };
    const [left, right] = [await LeftHalf.update(String(target.id)), await RightHalf.update(String(target.id))];
    left.addTo('n', n);
    right.addTo('n', n);
  }
}
