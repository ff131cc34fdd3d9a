// Bugs, as opposed to refusals and trouble (errors.ts): a claim the code relies on, always checked.

/** Throws when a claim that only a bug can break does not hold. */
export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new Error(`Bug: ${message}`);
}

/** Marks a branch that the types say can't be reached. */
export function unreachable(value: never): never {
  throw new Error(`Bug: unexpected value ${JSON.stringify(value)}`);
}
