// One cache through the drill: visitors ask while the origin answers, dies, hangs, fails and comes back.

import type { Lab, Server } from '../lab.ts';
import type { OriginSecond } from './origin.ts';
import type { OriginProcess } from './origin-process.ts';
import { type Plan, secondsOf } from './plan.ts';
import { nextStartMs, type Visiting, visit } from './visit.ts';

export interface Drilled extends Visiting {
  readonly origin: readonly OriginSecond[];
}

export async function drill(lab: Lab, plan: Plan, server: Server, origin: OriginProcess): Promise<Drilled> {
  // The origin counts by whole seconds too.
  const startMs = nextStartMs();
  const visiting = visit(lab, plan, server, startMs);
  const failing = visiting.then(() => undefined);
  let fromMs = startMs;
  for (const phase of plan.phases) {
    await Promise.race([Bun.sleep(Math.max(0, fromMs - Date.now())), failing]);
    await origin.be(phase.mode);
    fromMs += phase.seconds * 1000;
  }
  const visited = await visiting;
  return { ...visited, origin: origin.seconds(startMs / 1000, secondsOf(plan)) };
}
