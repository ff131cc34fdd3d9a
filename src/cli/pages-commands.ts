// `zerohop pages …`: the page cache of a running node. Each command calls an operation of it.

import type { Command } from 'commander';
import type { PagesStatus, ReadinessReport, WarmProgress } from '../pages/index.ts';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';
import { BadUsage } from './failure.ts';
import type { WarmOptions } from './warm-pages.ts';

/** @param exitWith is told the exit code */
export function addPagesCommands(program: Command, exitWith: (code: number) => void): void {
  const pages = program
    .command('pages')
    .helpCommand('help [command]', 'Prints the help of a command.')
    .description('Watches and steers the page cache of a running node.');
  const add = (name: string, description: string): Command =>
    addTargetOptions(pages.command(name).description(description));

  add('status', 'Shows the sites, what is stored, and how warm it is.').action(async (target: Target) => {
    const status = (await callOperation('pages_status', {}, target)) as PagesStatus & { warm: readonly WarmProgress[] };
    const { describeStatus } = await import('./pages-text.ts');
    print(status, target, describeStatus(status));
  });

  add('readiness', 'Tells what would be served if the origin failed now, and which busy pages would not.').action(
    async (target: Target) => {
      const report = (await callOperation('pages_readiness', {}, target)) as ReadinessReport;
      const { describeReadiness } = await import('./pages-text.ts');
      print(report, target, describeReadiness(report));
    },
  );

  add('purge', 'Removes pages, or makes them stale.')
    .argument('[url]', 'address of the page, in full, or by path where there is one site')
    .option('--tag <tag>', 'pages with this tag')
    .option('--all', 'all pages')
    .option('--soft', 'make stale in place of removing')
    .option('--dry-run', 'only count')
    .action(async (url: string | undefined, { tag, all, soft, dryRun, ...target }: Target & PurgeOptions) => {
      if ([url, tag, all].filter((one) => one !== undefined).length !== 1)
        throw new BadUsage('Name one of: an address, --tag, --all.');
      const said = (await callOperation('pages_purge', { url, tag, all, soft, dryRun }, target)) as { purged: number };
      const count = `${said.purged} page${said.purged === 1 ? '' : 's'}`;
      print(said, target, dryRun ? `${count} would be purged` : soft ? `${count} made stale` : `${count} purged`);
    });

  add('warm', 'Fetches pages before anybody asks for them, and shows how far that is; Ctrl+C leaves it going.')
    .argument('[site]', 'one of the sites; otherwise all that have "warm" in config.yaml')
    .option('--sitemap <address...>', 'a sitemap in place of what is configured')
    .option('--urls <file>', 'a file with one address per line, the most important first')
    .option('--concurrency <number>', 'requests to the origin at once', wholeNumber('--concurrency'))
    .option('--per-second <number>', 'requests to the origin in a second', wholeNumber('--per-second'))
    .option('--stop', 'end it')
    .option('--detach', 'do not wait for it')
    .action(async (site: string | undefined, options: Target & WarmOptions) => {
      const { warmPages } = await import('./warm-pages.ts');
      exitWith(await warmPages(site, options));
    });

  add('outage', 'Switches origins off and on, for drills and on the day.')
    .argument('<mode>', 'on or forbid: the origin is not asked; force: it is asked even while it fails; off: as usual')
    .argument('[site]', 'one of the sites; otherwise all')
    .action(async (mode: string, site: string | undefined, target: Target) => {
      if (!['on', 'off', 'force', 'forbid', 'auto'].includes(mode))
        throw new BadUsage(`The mode is on, off, force or forbid, not ${mode}.`);
      const said = await callOperation('pages_outage', { mode, site }, target);
      print(said, target, outageTexts[(said as { outage: string }).outage] ?? '');
    });
}

interface PurgeOptions {
  readonly tag?: string;
  readonly all?: true;
  readonly soft?: true;
  readonly dryRun?: true;
}

const outageTexts: Readonly<Record<string, string>> = {
  on: 'The origin is not asked any more. What is stored is served, fresh or stale, as its rules allow. To end it: zerohop pages outage off',
  auto: 'The origin is asked as usual.',
  force: 'The origin is asked even while it fails. To end it: zerohop pages outage off',
};

function wholeNumber(option: string): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new BadUsage(`${option} is a whole number from 1, not ${text}.`);
  };
}

function print(said: unknown, { json }: Target, text: string): void {
  console.log(json ? JSON.stringify(said) : text);
}
