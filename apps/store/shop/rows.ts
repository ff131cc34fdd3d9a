// Records come out of the tables untyped; here they get the types that the schema promises.

/** All rows of a search. */
export async function drain<Row>(rows: AsyncIterable<unknown>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row as Row);
  return all;
}

/** The record of a get, or undefined when there is none. */
export function single<Row>(record: unknown): Row | undefined {
  return (record ?? undefined) as Row | undefined;
}
