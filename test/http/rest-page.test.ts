// The commands in the reference of REST print what it says.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type HttpNode, startHttpNode } from '../support/http-node.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/reference/rest.md'), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text);

let node: HttpNode;
beforeAll(async () => {
  node = await startHttpNode({ schema: blocks('graphql').join('\n') });
});
afterAll(() => node.stop());

interface Example {
  readonly command: string;
  readonly output: string;
}

function examples(block: string): Example[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf('\n');
      return { command: text.slice(0, end), output: text.slice(end + 1).trim() };
    });
}

// In order: later examples see what earlier ones wrote.
for (const { command, output } of blocks('console').flatMap(examples)) {
  test(command.slice(0, 100), async () => {
    const real = command.replaceAll('localhost:9926', `127.0.0.1:${node.port}`).replaceAll(/\bcurl /g, 'curl -sS ');
    const shell = Bun.spawn(['bash', '-c', real], { stdout: 'pipe', stderr: 'pipe', stdin: 'ignore' });
    const [printed, complaint] = await Promise.all([
      new Response(shell.stdout).text(),
      new Response(shell.stderr).text(),
    ]);
    expect({ printed: printed.trim(), complaint }).toEqual({ printed: output, complaint: '' });
  });
}
