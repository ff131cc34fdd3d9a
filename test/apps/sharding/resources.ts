import { databases, type RequestTarget, Resource } from 'zerohop';

const { Reading } = databases.data;

/** POST { id, text }: changes an Reading through its instance, and adds 1 to its count. */
export class Change extends Resource {
  static override async post(_target: RequestTarget, data: unknown) {
    const { id, text } = (await data) as { readonly id: string; readonly text: string };
    const item = await Reading.update(id);
    const before = item.text;
    item.text = text;
    item.addTo('count', 1);
    return { before };
  }

  static override async get(target: RequestTarget) {
    const found = await Reading.get({ conditions: [{ attribute: 'text', value: target.get('text') }] });
    return Array.from(found as unknown as Iterable<{ readonly id: string }>, ({ id }) => id);
  }
}

/** GET: how many Readings there are. */
export class Count extends Resource {
  static override async get() {
    return Reading.getRecordCount();
  }
}
