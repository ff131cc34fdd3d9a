// The `zerohop` command: words typed by a person → a call on the runtime. Starts fast: what a command needs is loaded by it.
//
// Ends with 0 when all went well, 1 when something failed, 2 when what was typed or configured is wrong.

import { CommanderError } from 'commander';
import { describeFailure, exitCodeOf } from './failure.ts';
import { followLauncher } from './launcher.ts';
import { buildProgram } from './program.ts';

const isLaunched = followLauncher();
try {
  process.exit(await run(process.argv.slice(2)));
} catch (error) {
  console.error(describeFailure(error));
  process.exit(exitCodeOf(error));
}

/** Resolves with the exit code when the command has done its work. */
async function run(words: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = buildProgram((code) => {
    exitCode = code;
  }, isLaunched);
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
