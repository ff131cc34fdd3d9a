import { databases, type QueryObject, type RequestTarget, Resource } from 'zerohop';

const { Account, Item, Left, Right, Tally } = databases.data;

interface Fields {
  readonly id: string;
  readonly writer: number;
}

/** POST { id, writer }: a record in each of two tables, in one transaction. */
export class Pair extends Resource {
  static override async post(_target: RequestTarget, data: unknown) {
    const { id, writer } = (await data) as Fields;
    await Left.put({ id, writer });
    await Right.put({ id, writer });
    return { id };
  }
}

/** POST { id, writer }: writes as Pair does, then refuses. */
export class Refused extends Resource {
  static override async post(_target: RequestTarget, data: unknown) {
    const { id, writer } = (await data) as Fields;
    await Left.put({ id, writer });
    await Right.put({ id, writer });
    throw Object.assign(new Error('Refused after writing.'), { statusCode: 409 });
  }
}

/** GET /Slow/<id>: takes a while, then writes a Tally and answers. */
export class Slow extends Resource {
  static override async get(target: RequestTarget) {
    const id = Number(target.id);
    const waitMs = 1_500;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    await Tally.put({ id, value: 1 });
    return { id };
  }
}

/** GET /Block/<ms>: keeps the thread from doing anything else. */
export class Block extends Resource {
  static override get(target: RequestTarget) {
    const endMs = performance.now() + Number(target.id);
    while (performance.now() < endMs);
    return { blocked: true };
  }
}

/** GET: answers, and only then writes, without anybody awaiting it. */
export class Stray extends Resource {
  static override get() {
    setTimeout(() => void Tally.put({ id: 99, value: 1 }), 0);
    return { answered: true };
  }
}

/** GET: an error nobody catches, thrown by a timer. */
export class Crash extends Resource {
  static override get() {
    setTimeout(() => {
      throw new Error('thrown by a timer of the app');
    }, 0);
    return { crashing: true };
  }
}

/** GET: an application that ends its process, or would. */
export class Exit extends Resource {
  static override get() {
    setTimeout(() => process.exit(7), 0);
    return { exiting: true };
  }
}

/** GET /Lines/<n>: n lines of a kilobyte each, made as fast as they are taken. */
export class Lines extends Resource {
  static override async *get(target: RequestTarget) {
    const text = 'x'.repeat(1000);
    for (let line = 0; line < Number(target.id); line++) yield { line, text };
  }
}

/** POST query: the records it finds. */
export class Ask extends Resource {
  static override async post(_target: RequestTarget, data: unknown) {
    return Item.search((await data) as QueryObject);
  }
}

/** GET: an unexpected failure. */
export class Fails extends Resource {
  static override get() {
    throw new Error('an app that fails');
  }
}

/** POST { id }: adds one to a balance: reads, then writes what it makes of it. */
export class Deposit extends Resource {
  static override async post(_target: RequestTarget, data: unknown) {
    const { id } = (await data) as Fields;
    const account = await Account.get(id);
    await Account.put({ ...account, id, balance: (account?.balance ?? 0) + 1 });
  }
}
