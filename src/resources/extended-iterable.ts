// Results that come one by one. `map`, `filter` and the like are lazy: nothing is read before the iteration, and no more than it
// asks for. Works with `for await`, and with plain `for` while neither source nor callbacks are asynchronous.

type Source<Item> = Iterable<Item> | AsyncIterable<Item>;

export class ExtendedIterable<Item> implements AsyncIterable<Item>, Iterable<Item> {
  readonly #source: Source<Item>;

  constructor(source: Source<Item>) {
    this.#source = source;
  }

  [Symbol.iterator](): Iterator<Item> {
    if (!(Symbol.iterator in this.#source)) {
      throw new TypeError('These results arrive asynchronously: use "for await".');
    }
    return this.#source[Symbol.iterator]();
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return iterate(this.#source);
  }

  /** All items. Faster than `for await`, which waits for each. */
  async toArray(): Promise<Item[]> {
    if (Symbol.iterator in this.#source) return [...this.#source];
    const items: Item[] = [];
    for await (const item of this.#source) items.push(item);
    return items;
  }

  map<Result>(change: (item: Item, index: number) => Result): ExtendedIterable<Awaited<Result>> {
    const source = this.#source;
    return new ExtendedIterable<Awaited<Result>>({
      *[Symbol.iterator]() {
        let index = 0;
        for (const item of synchronous(source)) yield settled(change(item, index++));
      },
      async *[Symbol.asyncIterator]() {
        let index = 0;
        for await (const item of source) yield await change(item, index++);
      },
    });
  }

  filter(keep: (item: Item, index: number) => unknown): ExtendedIterable<Item> {
    const source = this.#source;
    return new ExtendedIterable<Item>({
      *[Symbol.iterator]() {
        let index = 0;
        for (const item of synchronous(source)) if (settled(keep(item, index++))) yield item;
      },
      async *[Symbol.asyncIterator]() {
        let index = 0;
        for await (const item of source) if (await keep(item, index++)) yield item;
      },
    });
  }

  flatMap<Result>(change: (item: Item, index: number) => Source<Result> | Result): ExtendedIterable<Result> {
    const source = this.#source;
    return new ExtendedIterable<Result>({
      *[Symbol.iterator]() {
        let index = 0;
        for (const item of synchronous(source)) {
          const result = change(item, index++);
          if (isSource(result)) yield* synchronous(result);
          else yield result;
        }
      },
      async *[Symbol.asyncIterator]() {
        let index = 0;
        for await (const item of source) {
          const result = await change(item, index++);
          if (isSource(result)) yield* result;
          else yield result;
        }
      },
    });
  }

  concat(more: Source<Item>): ExtendedIterable<Item> {
    const source = this.#source;
    return new ExtendedIterable<Item>({
      *[Symbol.iterator]() {
        yield* synchronous(source);
        yield* synchronous(more);
      },
      async *[Symbol.asyncIterator]() {
        yield* source;
        yield* more;
      },
    });
  }

  /** Items from position `start` up to, not including, `end`. Neither may be negative. */
  slice(start = 0, end = Number.POSITIVE_INFINITY): ExtendedIterable<Item> {
    if (start < 0 || end < 0) throw new RangeError('slice() of results counts from the start: no negative positions.');
    const source = this.#source;
    return new ExtendedIterable<Item>({
      *[Symbol.iterator]() {
        if (end <= start) return;
        let index = 0;
        for (const item of synchronous(source)) {
          if (index++ >= start) yield item;
          if (index >= end) return;
        }
      },
      async *[Symbol.asyncIterator]() {
        if (end <= start) return;
        let index = 0;
        for await (const item of source) {
          if (index++ >= start) yield item;
          if (index >= end) return;
        }
      },
    });
  }

  /** Gives what `change` makes of an error of the source as the last item. */
  mapError<Result>(change: (error: unknown) => Result): ExtendedIterable<Item | Awaited<Result>> {
    const source = this.#source;
    return new ExtendedIterable<Item | Awaited<Result>>({
      *[Symbol.iterator]() {
        try {
          yield* synchronous(source);
        } catch (error) {
          yield settled(change(error));
        }
      },
      async *[Symbol.asyncIterator]() {
        try {
          yield* source;
        } catch (error) {
          yield await change(error);
        }
      },
    });
  }

  /** Calls `use` with every item, now. */
  async forEach(use: (item: Item, index: number) => unknown): Promise<void> {
    let index = 0;
    for await (const item of this.#source) await use(item, index++);
  }
}

function iterate<Item>(source: Source<Item>): AsyncIterator<Item> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  // One promise for each item; an async generator would make three.
  const iterator = source[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    return: async (value?: unknown) => iterator.return?.(value) ?? { done: true, value },
  };
}

function isSource<Item>(value: Source<Item> | Item): value is Source<Item> {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function synchronous<Item>(source: Source<Item>): Iterable<Item> {
  if (Symbol.iterator in source) return source;
  throw new TypeError('These results arrive asynchronously: use "for await".');
}

/** What a callback gave, which in plain iteration can't be a promise. */
function settled<Result>(result: Result): Awaited<Result> {
  if (result instanceof Promise) throw new TypeError('The callback is asynchronous: use "for await".');
  return result as Awaited<Result>;
}
