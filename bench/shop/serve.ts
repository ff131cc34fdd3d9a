// bun bench/shop/serve.ts [--unified PORT] [--monolith PORT] [--microservices PORT]
//
// Runs the shop three ways until Ctrl+C, to look at or to load by other means. Prints one line per stack: its name and its address.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createStack, type Stack, stackNames } from './stacks.ts';

const { values } = parseArgs({
  options: {
    unified: { type: 'string', default: '9926' },
    monolith: { type: 'string', default: '9927' },
    microservices: { type: 'string', default: '9928' },
  },
});
// The shop's own link to the comparison finds them by it.
const rivals = `microservices=http://127.0.0.1:${values.microservices},monolith=http://127.0.0.1:${values.monolith}`;
const folder = mkdtempSync(join(tmpdir(), 'zerohop-shops-'));
const stacks: Stack[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(0));
try {
  for (const name of stackNames) {
    const stack = await createStack(name, join(folder, name), Number(values[name]), {
      zerohop: { SHOP_RIVALS: rivals },
    });
    stacks.push(stack);
    await stack.start();
    console.log(`${name.padEnd(14)} ${stack.url}`);
  }
  const [unified, monolith, microservices] = stacks.map(({ url }) => url);
  console.log(
    `\nBeside each other:\n  ${unified}/compare?name=microservices&rival=${microservices}\n  ${unified}/compare?name=monolith&rival=${monolith}\n`,
  );
  console.log('Ctrl+C stops them all.');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await end(1);
}

async function end(code: number): Promise<void> {
  await Promise.all(stacks.map((stack) => stack[Symbol.asyncDispose]()));
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}
