// The commands and their options, as commander needs them. Options of `start` and `dev` come from the table of configuration keys.

import { Command, Option } from 'commander';
import { type NamedKey, namedKeys } from '../config/index.ts';
import { addBackupCommands } from './backup-commands.ts';
import { addClusterCommands } from './cluster-commands.ts';
import { addDeployCommands } from './deploy-commands.ts';
import { addNodeCommands } from './node-commands.ts';
import { addOperationCommands } from './operation-commands.ts';
import { addPagesCommands } from './pages-commands.ts';
import { addSqlCommand } from './sql-command.ts';
import { version } from './version.ts';

/**
 * @param exitWith is told the exit code of a command that ended otherwise than by throwing
 * @param isLaunched whether a launcher starts a node again when it asks for that
 */
export function buildProgram(exitWith: (code: number) => void, isLaunched: boolean): Command {
  const program = new Command('zerohop')
    .description('Runs applications with their data, cache and messaging in one process.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'Prints the help of a command.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'zerohop:')) })
    .showSuggestionAfterError()
    .showHelpAfterError('To see what there is, add --help.');

  addRunCommand(program, 'start', 'Runs an application.', exitWith, isLaunched);
  addRunCommand(
    program,
    'dev',
    'Runs an application, reloads it when a file changes; this machine is administrator.',
    exitWith,
    isLaunched,
  );

  program
    .command('create')
    .description('Makes the folder of a new application: a schema, a resource, a page and a test, in TypeScript.')
    .argument('<name>', 'its folder, which must not exist or be empty')
    .action(async (name: string) => {
      const { createApp } = await import('./create.ts');
      console.log(createApp(name, process.cwd()));
    });

  program
    .command('types')
    .description("Writes the types of an application's tables, so that `tables.Product` is typed in its code.")
    .argument('[app]', 'folder of the application', '.')
    .option('--out <file>', 'file to write', 'zerohop-env.d.ts in the folder of the application')
    .option('--check', 'write nothing; fail when the file is not up to date')
    .action(async (app: string, { out, check }: { out: string; check?: true }, command: Command) => {
      const { writeTypes } = await import('./write-types.ts');
      const file = command.getOptionValueSource('out') === 'default' ? undefined : out;
      const result = await writeTypes({
        app,
        folder: process.cwd(),
        check: check === true,
        ...(file && { out: file }),
      });
      console.log(result.message);
      exitWith(result.upToDate ? 0 : 1);
    });

  program
    .command('test')
    .description("Runs an application's tests (`*.test.ts`) with the runtime's own Bun.")
    .argument('[options...]', 'files or options of `bun test`')
    .allowUnknownOption()
    .helpOption('--help', 'print this help')
    .action(async (options: string[]) => {
      const { runTests } = await import('./run-tests.ts');
      exitWith(await runTests(options));
    });

  addClusterCommands(program, exitWith);
  addPagesCommands(program, exitWith);
  addOperationCommands(program);
  addSqlCommand(program, exitWith);
  addNodeCommands(program);
  addBackupCommands(program);
  addDeployCommands(program);

  program
    .command('version')
    .description('Prints the version.')
    .action(() => console.log(version));

  return program;
}

function addRunCommand(
  program: Command,
  name: 'start' | 'dev',
  description: string,
  exitWith: (code: number) => void,
  isLaunched: boolean,
): void {
  const command = program
    .command(name)
    .description(description)
    .argument('[app]', 'folder of the application', '.')
    .option('--config <file>', 'configuration file; by default zerohop.yaml in this folder, if there is one');
  for (const named of namedKeys) command.addOption(optionOf(named));
  command.addHelpText(
    'after',
    '\nAn option wins over its environment variable (--http-port: ZEROHOP_HTTP_PORT),\nand that over the configuration file.',
  );
  command.action(async (app: string, { config }: { config?: string }) => {
    const { runNode } = await import('./run-node.ts');
    exitWith(
      await runNode({
        app,
        dev: name === 'dev',
        flags: flagsOf(command),
        isLaunched,
        ...(config && { configFile: config }),
      }),
    );
  });
}

function optionOf({ path, flag, key }: NamedKey): Option {
  const option = new Option(`${flag} <${key.kind.placeholder}>`, key.description);
  if (path.startsWith('limits.')) option.helpGroup('Limits:');
  const fallback = Array.isArray(key.default) ? key.default.join(',') : String(key.default);
  if (fallback !== '') option.description += ` (default: ${fallback})`;
  return option;
}

/** The texts typed for configuration keys, by key path. */
function flagsOf(command: Command): Record<string, string> {
  return Object.fromEntries(
    namedKeys.flatMap(({ path, flag }): [string, string][] => {
      const text: unknown = command.getOptionValue(new Option(`${flag} <value>`).attributeName());
      return typeof text === 'string' ? [[path, text]] : [];
    }),
  );
}
