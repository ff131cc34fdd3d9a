// The shop, three ways: measured, drawn, reported.

import type { Part } from '../benchmark.ts';
import { describeMachine } from '../machine.ts';
import { currentCommit } from '../report.ts';
import { type Cell, measureCells, shopPaces } from './cells.ts';
import { measureStart, type Start } from './measure.ts';
import { outcomeOf, type Recorded } from './outcome.ts';
import { type PageName, pageNames, paths } from './scenarios.ts';
import { createStack, type Stack, type StackName, stackNames } from './stacks.ts';
import { trace } from './trace.ts';
import { toolVersions } from './versions.ts';

const shop: Part = {
  name: 'shop',
  about: 'the shop on one node, as microservices and as a monolith: nine scenarios, with and without thinking',
  async run(lab, { isQuick }, { progress, draw, keep }) {
    const pace = isQuick ? shopPaces.quick : shopPaces.full;
    const machine = describeMachine(lab.folder);
    await using stacks = new Stacks();
    for (const name of stackNames) {
      progress(`${name}: loading the data`);
      await stacks.add(await createStack(name, lab.newPath(name)));
    }
    const starts = await measureStarts(stacks.all, pace.starts, pace.idleSeconds, progress);
    const pathsFiles = Object.fromEntries(pageNames.map((page) => [page, lab.writeLines(page, paths[page])])) as Record<
      PageName,
      string
    >;
    const cells: Cell[] = await measureCells({ stacks: stacks.all, pace, pathsFiles, signal: lab.signal, progress });
    const versions = Object.assign({}, ...stacks.all.map((stack) => stack.versions), await toolVersions());
    const commit = await currentCommit();
    const recorded: Recorded = { machine, commit, date: new Date().toISOString(), versions, pace, starts, cells };
    await keep('shop-cells', 'json', `${JSON.stringify(recorded, rounding, 1)}\n`);
    const { rows, drawings, page } = outcomeOf(recorded);
    for (const [name, svg] of Object.entries(drawings)) await draw(name, svg);
    await keep('shop', 'md', page);
    return rows;
  },
};

export const shopParts: readonly Part[] = [shop, trace];

/** Ends all of them, whatever happens. */
class Stacks implements AsyncDisposable {
  readonly #all: Stack[] = [];

  get all(): readonly Stack[] {
    return this.#all;
  }

  /** The first start loads what is to be loaded; it is not measured. */
  async add(stack: Stack): Promise<void> {
    this.#all.push(stack);
    await stack.start();
    await stack.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((stack) => stack[Symbol.asyncDispose]()));
  }
}

/** Leaves them running. */
async function measureStarts(
  stacks: readonly Stack[],
  times: number,
  idleSeconds: number,
  progress: (what: string) => void,
): Promise<Record<StackName, Start[]>> {
  const starts: Record<StackName, Start[]> = { unified: [], monolith: [], microservices: [] };
  for (let time = 0; time < times; time++) {
    for (const stack of stacks) {
      await stack.stop();
      starts[stack.name].push(await measureStart(stack, idleSeconds));
      if (time < times - 1) await stack.stop();
    }
  }
  for (const { name } of stacks) progress(`${name}: starts in ${starts[name][0]?.answeredMs.toFixed(0)} ms`);
  return starts;
}

/** Four digits of what is measured are more than it is good for. */
function rounding(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
