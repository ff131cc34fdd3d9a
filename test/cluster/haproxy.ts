// Debian's HAProxy before a cluster: started with the configuration that a member printed, asked what it thinks of its servers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { Output } from '../support/output.ts';
import { until } from '../support/until.ts';

export class Haproxy implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #child: Bun.ReadableSubprocess;
  readonly #output: Output;

  /** Resolves when it takes requests. Rejects with what it says of a configuration it does not take. */
  static async start(program: string, config: string, port: number): Promise<Haproxy> {
    const folder = mkdtempSync(join(tmpdir(), 'zerohop-haproxy-'));
    const [own, printed] = [join(folder, 'own.cfg'), join(folder, 'printed.cfg')];
    writeFileSync(own, `global\n    stats socket ${join(folder, 'stats.sock')} level admin\n    nbthread 1\n`);
    writeFileSync(printed, `${config}\n`);
    const check = Bun.spawnSync([program, '-c', '-f', printed]);
    const said = `${check.stdout}${check.stderr}`;
    if (check.exitCode !== 0 || /warning/i.test(said)) {
      rmSync(folder, { recursive: true });
      throw new Error(`HAProxy does not take the configuration as it is:\n${said}\n${config}`);
    }
    const child = Bun.spawn([program, '-db', '-f', own, '-f', printed], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const haproxy = new Haproxy(folder, child, port);
    await until('HAProxy listens', async () => {
      if (child.exitCode !== null) throw new Error(`HAProxy ended: ${haproxy.said}`);
      return (await haproxy.servers()).size > 0;
    });
    return haproxy;
  }

  private constructor(folder: string, child: Bun.ReadableSubprocess, port: number) {
    this.#folder = folder;
    this.#child = child;
    this.#output = new Output([child.stdout, child.stderr]);
    this.url = `http://127.0.0.1:${port}`;
  }

  get said(): string {
    return this.#output.text;
  }

  /** By name: UP, DOWN, DRAIN or MAINT with what follows, and whether its agent was heard (L7OK). */
  async servers(): Promise<ReadonlyMap<string, { readonly status: string; readonly agent: string }>> {
    const [head = '', ...lines] = (await this.#command('show stat')).replace(/^# /, '').trim().split('\n');
    const columns = head.split(',');
    const [name, status, agent] = ['svname', 'status', 'agent_status'].map((column) => columns.indexOf(column));
    return new Map(
      lines
        .map((line) => line.split(','))
        .map((values) => [
          String(values[name ?? -1]),
          { status: String(values[status ?? -1]), agent: String(values[agent ?? -1]) },
        ]),
    );
  }

  /** Resolves when these are up, and their agents were asked. */
  hears(...servers: readonly string[]): Promise<void> {
    return until(`HAProxy hears the agents of ${servers.join(', ')}`, async () => {
      const found = await this.servers();
      return servers.every((name) => found.get(name)?.status === 'UP' && found.get(name)?.agent.startsWith('L7'));
    });
  }

  /** Resolves when a server's status begins so. */
  async isSeen(server: string, status: string): Promise<void> {
    const seen: string[] = [];
    const isSo = async () => {
      const { status: now = 'nothing' } = (await this.servers()).get(server) ?? {};
      if (now !== seen.at(-1)) seen.push(now);
      return now.startsWith(status);
    };
    await until(`HAProxy sees ${server} as ${status}`, isSo).catch((error: unknown) => {
      throw new Error(`HAProxy saw ${server} as ${seen.join(', ')}. It says:\n${this.said}`, { cause: error });
    });
  }

  async #command(text: string): Promise<string> {
    const socket = connect(join(this.#folder, 'stats.sock'));
    socket.write(`${text}\n`);
    return readText(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
    await this.#output.ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
