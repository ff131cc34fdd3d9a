// A password as a person types it: on a terminal without showing it, else the first line of standard input.

import { BadUsage, Refusal } from './failure.ts';

export async function readPassword(): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) return typedUnseen(stdin);
  for await (const line of console) return line;
  throw new BadUsage('Give the password with --password, or on standard input.');
}

/** Longest password that is taken, in characters. */
const longest = 1024;

async function typedUnseen(stdin: typeof process.stdin): Promise<string> {
  process.stderr.write('Password: ');
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  try {
    const typed: string[] = [];
    for await (const chunk of stdin) {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n') return typed.join('');
        // Ctrl+C and Ctrl+D come as characters while the terminal is raw.
        if (key === '\u0003' || key === '\u0004') throw new Refusal('No password was given.');
        if (key === '\u007f' || key === '\b') typed.pop();
        else if (typed.length < longest && key >= ' ') typed.push(key);
      }
    }
    throw new Refusal('No password was given.');
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write('\n');
  }
}
