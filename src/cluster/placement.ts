// Which nodes hold a record, when not all do: rendezvous hashing. Every node computes the same from the names alone, and when a node comes or goes,
// only the records move that it gets or had. Pure.

/** The `copies` nodes that hold a record, the first choice first; all of them when there are fewer. Order and repetition of `nodes` don't matter. */
export function homesOf(key: string, nodes: readonly string[], copies: number): string[] {
  const scored = [...new Set(nodes)].map((node) => ({ node, score: Bun.hash.xxHash64(`${node}\n${key}`) }));
  scored.sort((a, b) => (a.score === b.score ? (a.node < b.node ? -1 : 1) : a.score > b.score ? -1 : 1));
  return scored.slice(0, copies).map(({ node }) => node);
}
