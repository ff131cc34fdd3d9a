import { Resource, tables } from 'zerohop';

/** GET /Summary/ tells how many notes there are, and how many are done. */
export class Summary extends Resource {
  static override async get() {
    let total = 0;
    let done = 0;
    for await (const note of tables.Note.search({ select: ['id', 'done'] })) {
      total += 1;
      if (note.done === true) done += 1;
    }
    return { total, done };
  }
}
