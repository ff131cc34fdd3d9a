// The engine compiles code and gives memory back in threads of its own. Where cores are few, these take time from those that answer: they get a
// lower priority. Linux alone tells threads apart.

import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * By the engine's names for them, as `nice`. Where a thread of priority 0 wants all of a core, one of 5 gets a quarter of it: code that is not compiled
 * costs time too. One of 19 gets what is left: what gives memory back can wait.
 */
const priorities: ReadonlyMap<string, number> = new Map([
  ['JITWorker', 5],
  ['mi-scavenger', 19],
]);
/** They come and go: how often they are looked for, in ms. */
const lookMs = 2_000;
const tasks = '/proc/self/task';

/** From now on. Returns what ends it. */
export function keepEngineThreadsBehind(): () => void {
  const known = new Set<string>();
  const look = (): void => {
    const running = threads();
    for (const gone of known.difference(new Set(running))) known.delete(gone);
    for (const thread of running) if (!known.has(thread) && lower(thread)) known.add(thread);
  };
  look();
  const timer = setInterval(look, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

function threads(): readonly string[] {
  try {
    return readdirSync(tasks);
  } catch {
    return [];
  }
}

/** Whether it is one of the engine's. One that has just begun may not have its name yet. */
function lower(thread: string): boolean {
  try {
    const priority = priorities.get(readFileSync(`${tasks}/${thread}/comm`, 'utf8').trim());
    if (priority !== undefined) setPriority(Number(thread), Math.max(getPriority(), priority));
    return priority !== undefined;
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
