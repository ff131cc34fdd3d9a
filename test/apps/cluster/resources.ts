import { databases, type RequestTarget, Resource } from 'zerohop';

const { Note } = databases.data;

/** POST { id }: adds 1 to the count of a Note. */
export class Count extends Resource {
  static override async post(_target: RequestTarget, data: unknown) {
    const { id } = (await data) as { readonly id: string };
    const note = await Note.update(id);
    note.addTo('count', 1);
    return { counted: id };
  }
}
