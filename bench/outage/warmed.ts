// Waits until a node has warmed its pages, by asking its operations socket.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../shop/until.ts';

interface Status {
  readonly pages: number;
  readonly warm: readonly {
    /** Undefined or null: it is under way. */
    readonly endedMs?: number | null;
    readonly counts: Readonly<Record<string, number>>;
    readonly lastError?: string;
  }[];
}

const askEachMs = 1_000;
const tellEachMs = 15_000;
const giveUpMs = 1_800_000;

/** @param tell how many are warm, once in a while */
export async function warmed(data: string, pages: number, tell: (pages: number) => void): Promise<void> {
  const socket = join(data, 'operations.sock');
  await until(
    () => `There is no ${socket}.`,
    async () => existsSync(socket),
  );
  const deadline = performance.now() + giveUpMs;
  let toldMs = performance.now();
  for (;;) {
    const status = await statusOf(socket);
    const [round] = status.warm;
    const isOver = typeof round?.endedMs === 'number';
    if (isOver && status.pages >= pages) return;
    if (isOver || performance.now() > deadline)
      throw new Error(`${status.pages} of ${pages} pages are warm: ${JSON.stringify(round)}`);
    if (performance.now() - toldMs > tellEachMs) {
      toldMs = performance.now();
      tell(status.pages);
    }
    await Bun.sleep(askEachMs);
  }
}

async function statusOf(unix: string): Promise<Status> {
  const response = await fetch('http://localhost/', {
    unix,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ operation: 'pages_status' }),
  });
  if (!response.ok) throw new Error(`pages_status was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Status;
}
