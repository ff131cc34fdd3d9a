/** What is made when it is asked for first, and kept: modules that few threads need would show in the time each takes to start. */
export function lazily<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
