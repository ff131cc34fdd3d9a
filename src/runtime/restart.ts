// Restarting a node: it ends with a code of its own, and the launcher (bin/run.js), which knows it, starts it again.

/** Also in bin/run.js. */
export const restartCode = 87;
/** The answer to whoever asked is out by then. */
export const restartDelayMs = 200;
