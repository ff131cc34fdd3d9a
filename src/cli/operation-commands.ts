// `zerohop op NAME key=value…`: any operation of a node; shorter commands for the frequent ones; signing in at another node.

import type { Command } from 'commander';
import { answerText } from './answer-text.ts';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';
import { completionScript, type Shell, shells } from './completion.ts';
import { BadUsage, Refusal } from './failure.ts';
import { readPassword } from './read-password.ts';
import { SavedLogins } from './saved-logins.ts';

export function addOperationCommands(program: Command): void {
  const add = (name: string, description: string): Command =>
    addTargetOptions(program.command(name).description(description));

  add('op', 'Calls an operation of a running node: zerohop op describe_table table=Product')
    .argument('<name>', 'of the operation; list_operations tells them all')
    .argument('[fields...]', 'key=value; a value that is JSON is taken as such, anything else as text')
    .action(async (name: string, fields: string[], target: Target) => {
      print(await callOperation(name, fieldsFrom(fields), target), target);
    });

  add('describe', 'Shows databases and tables of a running node, or one table.')
    .argument('[table]', 'Product, or database.Product')
    .action(async (table: string | undefined, target: Target) => {
      if (table !== undefined) return print(await callOperation('describe_table', placeFrom(table), target), target);
      const all = (await callOperation('describe_all', {}, target)) as Readonly<Record<string, object>>;
      if (isForPrograms(target)) return print(all, target);
      const rows = Object.entries(all).flatMap(([database, tables]) => Object.values(tables).map(summaryOf(database)));
      print(rows, target);
    });

  add('search', 'Finds records: zerohop search Product category=shoes --limit 10')
    .argument('<table>', 'Product, or database.Product')
    .argument('[conditions...]', 'attribute=value, all of which must hold')
    .option('--select <names>', 'attributes, with commas between')
    .option('--limit <number>', 'records at most', '100')
    .action(
      async (
        table: string,
        conditions: string[],
        { select, limit, ...target }: Target & { readonly select?: string; readonly limit: string },
      ) => {
        if (!/^\d{1,9}$/.test(limit)) throw new BadUsage(`--limit is a whole number, not ${limit}.`);
        const body = {
          ...placeFrom(table),
          limit: Number(limit),
          conditions: Object.entries(fieldsFrom(conditions)).map(([attribute, value]) => ({
            attribute,
            comparator: 'equals',
            value,
          })),
          ...(select !== undefined && { get_attributes: select.split(',') }),
        };
        print(await callOperation('search_by_conditions', body, target), target);
      },
    );

  program
    .command('login')
    .description('Signs in at another node: later commands with --target and that address need no password.')
    .argument('<url>', 'address of its operations port, such as https://db-2:9925')
    .requiredOption('--username <name>', 'who signs in')
    .option('--password <text>', 'their password; without it, it is asked for, or read from standard input')
    .action(async (url: string, { username, password }: { username: string; password?: string }) => {
      const given = password ?? (await readPassword());
      if (given === '') throw new BadUsage('The password is empty. Give it with --password, or on standard input.');
      const credentials = { username, password: given };
      const tokens = await callOperation('create_authentication_tokens', credentials, { target: url });
      const { operation_token: operationToken, refresh_token: refreshToken } = tokens as Record<string, string>;
      if (operationToken === undefined || refreshToken === undefined)
        throw new Refusal(`${url} gave no tokens: is it the operations port of a Zerohop node?`);
      const logins = new SavedLogins();
      logins.set(url, { username, operationToken, refreshToken });
      console.log(`Signed in at ${url} as ${username}. Kept in ${logins.path}; zerohop logout ${url} ends it.`);
    });

  program
    .command('logout')
    .description('Ends what login began, there and here.')
    .argument('<url>', 'as it was given to login')
    .action(async (url: string) => {
      const logins = new SavedLogins();
      const login = logins.get(url);
      if (login === undefined) throw new Refusal(`Nobody is signed in at ${url}.`);
      logins.remove(url);
      for (const token of [login.operationToken, login.refreshToken])
        await callOperation('revoke_token', { token }, { target: url });
      console.log(`Signed out at ${url}.`);
    });

  program
    .command('completion')
    .description('Prints a script for the shell to complete commands: source <(zerohop completion bash)')
    .argument('<shell>', shells.join(', '))
    .action((shell: string) => {
      const known = shells.find((one): one is Shell => one === shell);
      if (known === undefined) throw new BadUsage(`The shell is one of ${shells.join(', ')}, not ${shell}.`);
      process.stdout.write(completionScript(known, program));
    });
}

/** key=value → an object. A value that is JSON is taken as such: `limit=10`, `ids='["1"]'`, `name='"10"'`. */
export function fieldsFrom(pairs: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new BadUsage(`Fields are given as key=value, not ${pair}.`);
    fields[pair.slice(0, at)] = valueFrom(pair.slice(at + 1));
  }
  return fields;
}

function valueFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function placeFrom(text: string): { readonly database?: string; readonly table: string } {
  const [first = '', ...rest] = text.split('.');
  return rest.length === 0 ? { table: first } : { database: first, table: rest.join('.') };
}

function summaryOf(database: string) {
  return (table: unknown): Record<string, unknown> => {
    const { name, primary_key, record_count, attributes } = table as Readonly<Record<string, unknown>>;
    return { database, table: name, primary_key, records: record_count, attributes: (attributes as unknown[]).length };
  };
}

export function isForPrograms({ json }: Target): boolean {
  return json === true || process.stdout.isTTY !== true;
}

/** For people on a terminal as tables, else as JSON. */
export function print(answer: unknown, target: Target): void {
  console.log(isForPrograms(target) ? JSON.stringify(answer, null, 2) : answerText(answer));
}
