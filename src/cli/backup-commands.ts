// `zerohop backup`, `backups` and `restore`.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { answerText } from './answer-text.ts';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';
import { BadUsage } from './failure.ts';

export function addBackupCommands(program: Command): void {
  const add = (name: string, description: string): Command =>
    addTargetOptions(program.command(name).description(description));

  add('backup', 'Backs up a running node: what is not there yet from backups before.')
    .argument('<to>', 'a folder, or s3://bucket/prefix')
    .action(async (to: string, target: Target) => {
      print(await callOperation('create_backup', { to: placeFrom(to, target) }, target), target);
    });

  add('backups', 'Shows the backups there are.')
    .argument('<from>', 'a folder, or s3://bucket/prefix')
    .action(async (from: string, target: Target) => {
      print(await callOperation('list_backups', { from: placeFrom(from, target) }, target), target);
    });

  program
    .command('restore')
    .description('Makes a data folder of a backup, and checks it. The node of that folder must be stopped.')
    .argument('<from>', 'a folder, or s3://bucket/prefix')
    .requiredOption('--data <folder>', 'data folder to make')
    .option('--at <time>', 'a moment, such as 2026-05-01T12:00:00Z: the newest backup from then or before')
    .action(async (from: string, { data, at }: { data: string; at?: string }) => {
      const until = at === undefined ? undefined : Date.parse(at);
      if (Number.isNaN(until)) throw new BadUsage(`--at is a time such as 2026-05-01T12:00:00Z, not ${at}.`);
      const { placeAt, restoreBackup } = await import('../backup/index.ts');
      const { time, databases } = await restoreBackup(placeAt(from), data, until);
      console.log(`Restored the backup of ${time} into ${resolve(data)}, and checked it:`);
      console.log(answerText(databases));
    });
}

/** A folder on this machine is named from where the person stands. */
function placeFrom(where: string, { target }: Target): string {
  return where.startsWith('s3://') || target !== undefined ? where : resolve(where);
}

function print(answer: unknown, { json }: Target): void {
  console.log(json === true || process.stdout.isTTY !== true ? JSON.stringify(answer, null, 2) : answerText(answer));
}
