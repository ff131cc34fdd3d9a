const first = 12_000;
/** Systems give outgoing connections ports from 32768 or above: one of those could be gone again before it is listened on. */
const count = 20_000;
const given = new Set<number>();

/** A port of this machine that nobody listens on, and that is not given twice by this process. */
export function freePort(): number {
  for (;;) {
    const port = first + Math.floor(Math.random() * count);
    if (given.has(port) || !isFree(port)) continue;
    given.add(port);
    return port;
  }
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: '0.0.0.0', port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
