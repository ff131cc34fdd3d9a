// A thread of a process that runs SQL, which ends the process while a statement runs in it: when it needs more memory than it may, and
// when its parent is gone, for whom alone it works. The other thread is in SQLite then, perhaps for ever.

import { parentPort } from 'node:worker_threads';

const [parent = 0, mostBytes = 0] = process.argv.slice(2).map(Number);
const everyMs = 50;
let timer: ReturnType<typeof setInterval> | undefined;

/** True: a statement begins. False: it has ended. */
parentPort?.on('message', (isBusy: boolean) => {
  clearInterval(timer);
  if (isBusy) timer = setInterval(look, everyMs);
});

function look(): void {
  if (process.memoryUsage.rss() > mostBytes || !isThere(parent)) process.kill(process.pid, 'SIGKILL');
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
