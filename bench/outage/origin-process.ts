// The origin as the drill has it: a process that is told what to do, killed, and started again on the same port.

import { join } from 'node:path';
import { cores, freePort, type Lab } from '../lab.ts';
import { until } from '../shop/until.ts';
import type { OriginOptions, OriginSecond } from './origin.ts';
import type { OriginMode, Plan } from './plan.ts';

type Child = Bun.Subprocess<'ignore', 'ignore', 'inherit'>;

export class OriginProcess {
  readonly port = freePort();
  readonly #lab: Lab;
  readonly #plan: Plan;
  /** By second since 1970. */
  readonly #seconds = new Map<number, OriginSecond>();
  #child: Child | undefined;

  constructor(lab: Lab, plan: Plan) {
    this.#lab = lab;
    this.#plan = plan;
  }

  async be(mode: OriginMode): Promise<void> {
    if (mode === 'killed') {
      this.#child?.kill('SIGKILL');
      await this.#child?.exited;
      this.#child = undefined;
    } else if (this.#child) this.#child.send(mode);
    else await this.#start(mode);
  }

  async stop(): Promise<void> {
    await this.be('killed');
  }

  /** What it was asked from a second on, in each of `count`. */
  seconds(from: number, count: number): readonly OriginSecond[] {
    return Array.from(
      { length: count },
      (_, at) => this.#seconds.get(from + at) ?? { second: from + at, requests: 0, most: 0 },
    );
  }

  async #start(mode: OriginMode): Promise<void> {
    const options: OriginOptions = { port: this.port, plan: this.#plan, mode };
    const script = join(import.meta.dirname, 'origin.ts');
    const child = Bun.spawn(['taskset', '-c', cores.load, process.execPath, script, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      signal: this.#lab.signal,
      ipc: (told: OriginSecond) => void this.#seconds.set(told.second, told),
    });
    this.#child = child;
    const isUp = () =>
      fetch(`http://127.0.0.1:${this.port}/sitemap.xml`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(
      () => 'The origin did not start.',
      isUp,
      () => child.exitCode !== null,
    );
  }
}
