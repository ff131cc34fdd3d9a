// `zerohop deploy`: an app to a running node, or to its whole cluster; back again; what there is.

import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';
import { Refusal } from './failure.ts';
import { print } from './operation-commands.ts';

interface Everywhere extends Target {
  readonly cluster?: boolean;
  readonly project?: string;
}

export function addDeployCommands(program: Command): void {
  const add = (name: string, description: string): Command =>
    addTargetOptions(program.command(name).description(description));

  add(
    'deploy',
    'Deploys an app to a running node: checked that it loads, switched without a pause, or nothing is changed.',
  )
    .argument('[folder]', 'of the app, or a gzipped tar of it', '.')
    .option('--cluster', 'to every node: all switch, or none')
    .option('--project <name>', 'what it is called in lists; by default the name of the folder')
    .action(async (folder: string, { cluster, project, ...target }: Everywhere) => {
      const path = resolve(folder);
      const entry = statSync(path, { throwIfNoEntry: false });
      if (!entry) throw new Refusal(`There is no folder or file ${folder}.`);
      const { packApp } = await import('../deployments/index.ts');
      const bytes = entry.isDirectory() ? await packApp(path) : await Bun.file(path).bytes();
      const body = {
        project: project ?? basename(path).replace(/(\.tar)?\.t?gz$/, ''),
        payload: Buffer.from(bytes).toString('base64'),
        ...(cluster && { replicated: true }),
      };
      print(await callOperation('deploy_component', body, target), target);
    });

  add('rollback', 'Runs what ran before the last deployment, or one that is named.')
    .argument('[deployment]', 'one of zerohop deployments')
    .option('--cluster', 'on every node')
    .action(async (deployment: string | undefined, { cluster, ...target }: Everywhere) => {
      const body = { ...(deployment && { deployment_id: deployment }), ...(cluster && { replicated: true }) };
      print(await callOperation('rollback_component', body, target), target);
    });

  add('deployments', 'Shows what was deployed to a node and which of it runs.').action(async (target: Target) => {
    print(await callOperation('list_deployments', {}, target), target);
  });
}
