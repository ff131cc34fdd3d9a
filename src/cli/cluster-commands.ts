// `zerohop cluster …`: a node's place in a cluster. Each command calls an operation of a running node.

import { Argument, type Command } from 'commander';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';

interface Said {
  readonly message?: string;
}

/** @param exitWith is told the exit code */
export function addClusterCommands(program: Command, exitWith: (code: number) => void): void {
  const cluster = program
    .command('cluster')
    .helpCommand('help [command]', 'Prints the help of a command.')
    .description('Begins, joins and watches a cluster of nodes that replicate to each other.');

  const add = (name: string, description: string): Command =>
    addTargetOptions(cluster.command(name).description(description));

  add('init', 'Begins a cluster with the node on this machine: makes its authority and its certificate.')
    .option('--name <name>', 'name of the cluster', 'cluster')
    .action(async ({ name, ...target }: Target & { name: string }) => {
      const said = await callOperation('cluster_init', { cluster: name }, target);
      print(said, target, `${messageOf(said)}\nTo let another node in: zerohop cluster token`);
    });

  add('token', 'Prints a token with which one node may join, once.')
    .option('--expires <time>', 'how long it is good, such as 30m, 2h or 1d', '1h')
    .option('--authority', 'the node that joins with it may admit others too')
    .action(async ({ expires, authority, ...target }: Target & { expires: string; authority?: true }) => {
      const said = await callOperation('cluster_token', { expires, authority: authority === true }, target);
      print(said, target, String((said as { token?: unknown }).token));
    });

  add('join', 'Lets the node on this machine join the cluster of a member.')
    .argument('<host>', 'host, or host:port, of the member that gave the token')
    .requiredOption('--token <token>', 'made there with: zerohop cluster token')
    .action(async (host: string, { token, ...target }: Target & { token: string }) => {
      const said = await callOperation('cluster_join', { address: host, token }, target);
      print(said, target, messageOf(said));
    });

  add('remove', 'Removes a member for good: nobody talks to it any more.')
    .argument('<node>', 'its name or id')
    .action(async (node: string, target: Target) => {
      const said = await callOperation('cluster_remove', { node }, target);
      print(said, target, messageOf(said));
    });

  add('rotate', 'Gives the node a new key and certificate, and declares the old one void.').action(
    async (target: Target) => {
      const said = await callOperation('cluster_rotate', {}, target);
      print(said, target, messageOf(said));
    },
  );

  add('revoke', 'Declares the present certificate of a member void.')
    .argument('<node>', 'its name or id')
    .action(async (node: string, target: Target) => {
      const said = await callOperation('cluster_revoke', { node }, target);
      print(said, target, messageOf(said));
    });

  add('verify', 'Compares the records of the node with those of all members it is connected to.')
    .option('--repair', 'heals what differs')
    .action(async ({ repair, ...target }: Target & { repair?: true }) => {
      const { verifyCluster } = await import('./cluster-verify.ts');
      exitWith(await verifyCluster(target, repair === true));
    });

  add('haproxy', 'Prints the configuration of an HAProxy before the members.')
    .option('--region <region>', 'whose members come first; by default the region of the node that is asked')
    .option('--bind <address>', 'what HAProxy listens on', ':80')
    .option('--ca-file <file>', 'authorities of the certificates of members that speak HTTPS: where HAProxy runs')
    .action(
      async ({ region, bind, caFile, ...target }: Target & { region?: string; bind: string; caFile?: string }) => {
        const said = await callOperation('cluster_haproxy', { region, bind, ca_file: caFile }, target);
        print(said, target, String(said).trimEnd());
      },
    );

  add('maint', 'Tells load balancers to send no requests to the node, or to send them again.')
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .action(async (state: string, target: Target) => {
      const said = await callOperation('cluster_maintenance', { on: state === 'on' }, target);
      print(said, target, messageOf(said));
    });

  add('status', 'Shows the members, and how far they are; on a terminal until Ctrl+C.')
    .option('--once', 'once')
    .action(async ({ once, ...target }: Target & { once?: true }) => {
      const { showClusterStatus } = await import('./cluster-status.ts');
      exitWith(await showClusterStatus(target, once === true));
    });
}

function messageOf(said: unknown): string {
  return (said as Said).message ?? '';
}

function print(said: unknown, { json }: Target, text: string): void {
  console.log(json ? JSON.stringify(said) : text);
}
