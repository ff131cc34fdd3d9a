// `zerohop sql "SELECT …"`: one statement; without it, statements line by line: at a prompt on a terminal, else from standard input.

import { createInterface, type Interface } from 'node:readline/promises';
import type { Command } from 'commander';
import { addTargetOptions, callOperation, type Target } from './call-operation.ts';
import { BadUsage, describeFailure, Refusal } from './failure.ts';
import { fieldsFrom, print } from './operation-commands.ts';

type SqlOptions = Target & { readonly database?: string; readonly limit?: string; readonly param?: readonly string[] };

/** @param exitWith is told 1 when a statement of several failed */
export function addSqlCommand(program: Command, exitWith: (code: number) => void): void {
  addTargetOptions(program.command('sql'))
    .description('Runs SQL over the tables of a running node: zerohop sql "SELECT name FROM Product LIMIT 5"')
    .argument('[statement]', 'without it, statements that end in ; are read, at a prompt on a terminal')
    .option('--database <name>', 'where tables named without a database are', 'data')
    .option('--limit <number>', 'rows at most')
    .option('--param <name=value...>', 'values of :name in the statement')
    .action(async (statement: string | undefined, options: SqlOptions) => {
      if (options.limit !== undefined && !/^\d{1,9}$/.test(options.limit))
        throw new BadUsage(`--limit is a whole number, not ${options.limit}.`);
      if (statement !== undefined) return run(statement, options);
      exitWith((await runAll(options)) ? 0 : 1);
    });
}

async function run(sql: string, { database, limit, param, ...target }: SqlOptions): Promise<void> {
  const body = {
    sql,
    ...(database !== undefined && { database }),
    ...(limit !== undefined && { limit: Number(limit) }),
    ...(param !== undefined && { parameters: fieldsFrom(param) }),
  };
  print(await callOperation('sql', body, target), target);
}

/** False: one of them failed. At a prompt a failure is for the person alone. */
async function runAll(options: SqlOptions): Promise<boolean> {
  const isPrompt = process.stdin.isTTY === true;
  // Before there are lines: those that nobody listens to are lost.
  const { isFinished } = await import('../sql/index.ts');
  const lines = createInterface({ input: process.stdin, ...(isPrompt && { output: process.stdout }) });
  if (isPrompt) console.log('Statements end in ;  To leave: Ctrl+D or .exit');
  let isWell = true;
  try {
    for await (const statement of statements(lines, isPrompt, isFinished)) {
      try {
        await run(statement, options);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        console.error(describeFailure(error));
        isWell = isPrompt;
        if (!isPrompt) return false;
      }
    }
  } finally {
    lines.close();
  }
  return isWell;
}

/** The statements that have ended, several of which may be in one line, and what comes after. */
function split(typed: string, isFinished: (typed: string) => boolean): { whole: string[]; rest: string } {
  const whole: string[] = [];
  let from = 0;
  for (let at = typed.indexOf(';'); at !== -1; at = typed.indexOf(';', at + 1)) {
    const statement = typed.slice(from, at + 1);
    if (!isFinished(statement)) continue;
    whole.push(statement.trim());
    from = at + 1;
  }
  const rest = typed.slice(from);
  // After the last semicolon there may be a comment; and what can't be SQL is a statement as well, to be told so.
  if (!isFinished(typed)) return { whole, rest };
  return { whole: rest.trim() === '' || whole.length > 0 ? whole : [rest], rest: '' };
}

async function* statements(
  lines: Interface,
  isPrompt: boolean,
  isFinished: (typed: string) => boolean,
): AsyncGenerator<string> {
  let typed = '';
  const prompt = () => {
    if (!isPrompt) return;
    lines.setPrompt(typed === '' ? 'sql> ' : '...> ');
    lines.prompt();
  };
  prompt();
  for await (const line of lines) {
    if (typed === '' && (line.trim() === '.exit' || line.trim() === '.quit')) return;
    typed = typed === '' ? line : `${typed}\n${line}`;
    const { whole, rest } = split(typed, isFinished);
    typed = rest.trim() === '' ? '' : rest;
    yield* whole;
    prompt();
  }
  if (typed.trim() !== '') yield typed;
}
