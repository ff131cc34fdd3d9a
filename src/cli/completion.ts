// Scripts by which shells complete the commands and options of `zerohop`. Made of the program itself, so that they know what it knows.

import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

interface Words {
  /** 'cluster status'; '' for the program. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly name: string; readonly description: string }[];
}

export function completionScript(shell: Shell, program: Command): string {
  const all = wordsOf(program, '');
  return shell === 'fish' ? fishScript(all) : shell === 'zsh' ? zshScript(all) : bashScript(all);
}

function wordsOf(command: Command, path: string): Words[] {
  const commands = command.commands.map((one) => ({ name: one.name(), description: one.description() }));
  const options = command.options.flatMap(({ long, description }) => (long ? [{ name: long, description }] : []));
  const below = command.commands.flatMap((one) => wordsOf(one, path === '' ? one.name() : `${path} ${one.name()}`));
  return [{ path, commands, options }, ...below];
}

function bashScript(all: readonly Words[]): string {
  return `_zerohop() {
  local word="\${COMP_WORDS[COMP_CWORD]}" path="" words=""
  local i one
  for ((i = 1; i < COMP_CWORD; i++)); do
    one="\${COMP_WORDS[i]}"
    [[ "$one" == -* ]] && continue
    case "\${path:+$path }$one" in
${all.flatMap(({ path }) => (path === '' ? [] : [`      '${path}') path='${path}' ;;`])).join('\n')}
    esac
  done
  case "$path" in
${all.map((words) => `    '${words.path}') words='${namesOf(words).join(' ')}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _zerohop zerohop
`;
}

/** zsh runs bash's way of completing. */
function zshScript(all: readonly Words[]): string {
  return `#compdef zerohop\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(all)}`;
}

function fishScript(all: readonly Words[]): string {
  return all
    .flatMap(({ path, commands, options }) => {
      const names = commands.map(({ name }) => name).join(' ');
      const seen = path === '' ? [] : path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`);
      const notYet = names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`];
      const here = [...seen, ...notYet].join('; and ') || 'true';
      return [
        ...commands.map(
          ({ name, description }) => `complete -c zerohop -n '${here}' -f -a ${name} -d ${fishText(description)}`,
        ),
        ...options.map(
          ({ name, description }) =>
            `complete -c zerohop -n '${seen.join('; and ') || 'true'}' -l ${name.slice(2)} -d ${fishText(description)}`,
        ),
      ];
    })
    .concat('')
    .join('\n');
}

function namesOf({ commands, options }: Words): string[] {
  return [...commands, ...options].map(({ name }) => name);
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
