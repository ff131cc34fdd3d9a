// Calls an operation of a node: of this machine's over the socket in its data folder, where no credentials are needed, or of another by the
// address of its operations port.

import { type Command, Option } from 'commander';
import { ZerohopError } from '../base/index.ts';
import { loadConfig } from '../config/index.ts';
import { BadUsage, Refusal } from './failure.ts';
import { type SavedLogin, SavedLogins } from './saved-logins.ts';

export interface Target {
  /** URL of an operations port; undefined: the node that runs on the data folder. */
  readonly target?: string;
  readonly username?: string;
  readonly password?: string;
  /** In place of `ZEROHOP_DATA` and the configuration file. */
  readonly data?: string;
  readonly json?: boolean;
}

/** The options of every command that calls an operation. */
export function addTargetOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the node on this machine (default: ./data)')
    .option('--target <url>', 'operations port of another node, such as https://db-2:9925')
    .addOption(new Option('--username <name>', 'who calls the other node').env('ZEROHOP_USERNAME'))
    .addOption(new Option('--password <text>', 'and the password').env('ZEROHOP_PASSWORD'))
    .option('--json', 'print JSON, for programs');
}

/** The parsed answer. Throws Refusal with what the node said, or why it can't be reached. */
export async function callOperation(
  operation: string,
  body: Readonly<Record<string, unknown>>,
  target: Target,
): Promise<unknown> {
  const response = await streamOperation(operation, body, target);
  const answer: unknown = response.headers.get('content-type')?.includes('json')
    ? await response.json()
    : await response.text();
  return answer;
}

/** As `callOperation`, for what is read as it comes. */
export async function streamOperation(
  operation: string,
  body: Readonly<Record<string, unknown>>,
  target: Target,
): Promise<Response> {
  const where = await placeOf(target);
  const login = savedLogin(target);
  const text = JSON.stringify({ ...body, operation });
  const response = await send(where, text, login === undefined ? credentialsOf(target) : bearer(login.operationToken));
  if (response.ok) return response;
  if (response.status !== 401 || login === undefined || target.target === undefined)
    throw new Refusal(await refusalOf(response));
  // The operation token lasts for a short time; what signed in lasts longer.
  const refreshed = await send(where, '{"operation":"refresh_operation_token"}', bearer(login.refreshToken));
  if (!refreshed.ok)
    throw new Refusal(
      `What you signed in with at ${target.target} has ended. Sign in again: zerohop login ${target.target}`,
    );
  const { operation_token: operationToken } = (await refreshed.json()) as { operation_token: string };
  new SavedLogins().set(target.target, { ...login, operationToken });
  const again = await send(where, text, bearer(operationToken));
  if (!again.ok) throw new Refusal(await refusalOf(again));
  return again;
}

function send(
  { url, unix, unreachable, hint }: Place,
  body: string,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    ...(unix !== undefined && { unix }),
  }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const isAbsent = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ConnectionRefused';
    // Where nobody listens there is nothing more to say.
    throw new Refusal(isAbsent ? `${unreachable} ${hint}` : `${unreachable} (${reasonOf(error)})`);
  });
}

/** In a person's words, where the cause is one they can put right. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/self.signed|unable to (get|verify)|unknown ca/i.test(message))
    return `${message}: for a certificate by an authority of your own, set NODE_EXTRA_CA_CERTS to its PEM file`;
  if (message.includes('ECONNRESET')) return 'it closed the connection: does it speak HTTPS?';
  return message;
}

/** Of the node that `--target` names, unless the command says who calls. */
function savedLogin({ target, username }: Target): SavedLogin | undefined {
  return target === undefined || username !== undefined ? undefined : new SavedLogins().get(target);
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

interface Place {
  readonly url: string;
  readonly unix?: string;
  readonly unreachable: string;
  /** What to look at where nobody listens. */
  readonly hint: string;
}

async function placeOf({ target, data }: Target): Promise<Place> {
  if (target !== undefined) {
    if (!/^https?:\/\//i.test(target) || !URL.canParse(target))
      throw new BadUsage(`--target ${target} is no address. Give one such as http://localhost:9925`);
    return {
      url: target,
      unreachable: `No node answers at ${target}.`,
      hint: 'Is it running, and is that its operations port (9925 unless it was told another)?',
    };
  }
  const folder = dataFolder(data);
  const { operationsSocketIn } = await import('../runtime/index.ts');
  const unix = operationsSocketIn(folder);
  if (unix === undefined)
    throw new Refusal(
      `The path of ${folder} is too long for a socket in it. Give --target with the address of the node's operations port.`,
    );
  const unreachable = `No node runs on ${folder}.`;
  const hint = 'Start it, name its folder with --data, or another node with --target.';
  return { url: 'http://localhost/', unix, unreachable, hint };
}

function dataFolder(data: string | undefined): string {
  const flags: Record<string, string> = data === undefined ? {} : { data };
  try {
    return loadConfig({ flags, env: process.env, folder: process.cwd() }).data;
  } catch (error) {
    throw error instanceof ZerohopError ? new BadUsage(error.message) : error;
  }
}

function credentialsOf({ username, password }: Target): Record<string, string> {
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { detail, error } = JSON.parse(text) as { detail?: unknown; error?: unknown };
    return String(detail ?? error ?? text);
  } catch {
    return `${response.status} ${text}`;
  }
}
