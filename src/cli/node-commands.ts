// What one asks a running node for most: how it is, what its log says, to start again.

import type { Command } from 'commander';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';
import { BadUsage } from './failure.ts';
import { isForPrograms, print } from './operation-commands.ts';

export function addNodeCommands(program: Command): void {
  const add = (name: string, description: string): Command =>
    addTargetOptions(program.command(name).description(description));

  add('status', 'Shows how a running node is: its app, what operators said of it, what it runs on.').action(
    async (target: Target) => {
      const [said, runs] = (await Promise.all([
        callOperation('get_status', {}, target),
        callOperation('system_information', { attributes: ['system', 'time', 'memory', 'process'] }, target),
      ])) as [object, object];
      print({ ...said, ...runs }, target);
    },
  );

  add('logs', 'Shows the newest lines of a running node’s log, the newest last.')
    .option('--limit <number>', 'lines at most', '50')
    .option('--level <level>', 'of this level only: trace, debug, info, warn, error, fatal')
    .option('--from <time>', 'not before this time, such as 2026-05-01T12:00:00Z')
    .option('--until <time>', 'not after this time')
    .option('--filter <text>', 'with this text in them')
    .action(async ({ limit, level, from, until, filter, ...target }: LogsOptions) => {
      if (!/^\d{1,9}$/.test(limit)) throw new BadUsage(`--limit is a whole number, not ${limit}.`);
      const lines = (await callOperation(
        'read_log',
        {
          limit: Number(limit),
          ...(level !== undefined && { level }),
          ...(from !== undefined && { from }),
          ...(until !== undefined && { until }),
          ...(filter !== undefined && { filter }),
        },
        target,
      )) as readonly LogLine[];
      const ordered = [...lines].reverse();
      if (isForPrograms(target)) return print(ordered, target);
      // What is data must not move the cursor.
      for (const { timestamp, level: of, thread, message } of ordered)
        console.log(`${timestamp} ${of.padEnd(5)} ${thread}  ${message.replace(/\p{Cc}+/gu, ' ')}`);
    });

  add('restart', 'Has a running node stop in order and start again.').action(async (target: Target) => {
    print(await callOperation('restart', {}, target), target);
  });
}

type LogsOptions = Target & {
  readonly limit: string;
  readonly level?: string;
  readonly from?: string;
  readonly until?: string;
  readonly filter?: string;
};

interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly thread: string;
  readonly message: string;
}
