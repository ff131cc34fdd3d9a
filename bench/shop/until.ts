/** What does not come about by then never will. */
const giveUpMs = 60_000;
const againMs = 5;

/** Asks again and again. Throws `trouble()` when `isOver` says that it will not come about, or when it takes too long. */
export async function until(
  trouble: () => string,
  isSo: () => Promise<boolean>,
  isOver: () => boolean = () => false,
): Promise<void> {
  const deadline = performance.now() + giveUpMs;
  while (!(await isSo())) {
    if (isOver() || performance.now() > deadline) throw new Error(trouble());
    await Bun.sleep(againMs);
  }
}
