// A thread of a process that runs SQL: the process itself may be in one long step of SQLite when its parent is gone, and would go on for nobody.

const parent = Number(process.argv[2]);
const everyMs = 1000;

setInterval(() => {
  try {
    process.kill(parent, 0);
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}, everyMs);
