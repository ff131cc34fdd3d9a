// `zerohop start` and `dev` as a person runs them: processes of their own, started by Node, with real ports and signals.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Subprocess } from 'bun';

const launcher = resolve(import.meta.dirname, '../../bin/zerohop.js');
const anyPorts = ['--http-port=0', '--operations-port=0'];

let folder: string;
const running: Run[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-start-'));
  mkdirSync(join(folder, 'app'));
  writeFileSync(join(folder, 'app/config.yaml'), "rest: true\njsResource:\n  files: 'resources.ts'\n");
  writeGreeting('hello');
});
afterEach(async () => {
  for (const { child } of running.splice(0)) {
    // Not SIGKILL: the launcher could not pass it on.
    child.kill('SIGTERM');
    await child.exited;
  }
  rmSync(folder, { recursive: true });
});

function writeGreeting(greeting: string): void {
  const text = `import { Resource } from 'zerohop';
export class Greeting extends Resource {
  static async get() { return { greeting: '${greeting}' }; }
}
`;
  writeFileSync(join(folder, 'app/resources.ts'), text);
}

class Run {
  readonly child: Subprocess<'ignore', 'pipe', 'pipe'>;
  out = '';
  err = '';
  #wake: () => void = () => {};
  readonly #read: Promise<unknown>;

  constructor(...words: string[]) {
    this.child = Bun.spawn(['node', launcher, ...words], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    this.#read = Promise.all([
      this.#follow(this.child.stdout, (text) => {
        this.out += text;
      }),
      this.#follow(this.child.stderr, (text) => {
        this.err += text;
      }),
    ]);
    void this.child.exited.then(() => this.#wake());
    running.push(this);
  }

  async #follow(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      add(decoder.decode(bytes, { stream: true }));
      this.#wake();
    }
    this.#wake();
  }

  /** Resolves when output matches; fails when the process ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.out) ?? pattern.exec(this.err);
      if (found) return found;
      if (this.child.exitCode !== null) throw new Error(`ended without printing ${pattern}:\n${this.out}${this.err}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ended(): Promise<number> {
    const code = await this.child.exited;
    await this.#read;
    return code;
  }
}

const applicationUrl = async (run: Run): Promise<string> =>
  String((await run.printed(/Application {2}(http:\S+\/)/))[1]);

test('start serves, says where and how to stop, and SIGTERM stops it with code 0', async () => {
  const run = new Run('start', 'app', ...anyPorts);
  const url = await applicationUrl(run);
  await run.printed(/Press Ctrl\+C to stop/);
  expect(await (await fetch(`${url}health`)).status).toBe(200);
  const operations = (await run.printed(/Operations {3}(http:\S+\/)/))[1];
  const metrics = await (await fetch(`${operations}metrics`)).text();
  expect(metrics).toContain('zerohop_uptime_seconds');
  const data = join(folder, 'data');
  expect(run.out).toContain(`Data         ${data}`);
  // Nobody else on the machine reads the records, or calls operations by the socket.
  expect(statSync(data).mode & 0o077).toBe(0);
  expect(statSync(join(data, 'operations.sock')).mode & 0o077).toBe(0);
  run.child.kill('SIGTERM');
  expect(await run.ended()).toBe(0);
  expect(run.out).toContain('Stopping.');
});

test('one Ctrl+C, however often it arrives at once, is one', async () => {
  const run = new Run('start', 'app', ...anyPorts);
  await applicationUrl(run);
  for (let times = 0; times < 3; times++) run.child.kill('SIGINT');
  expect(await run.ended()).toBe(0);
});

test('a port in use ends it with code 1 and one line that names it', async () => {
  const first = new Run('start', 'app', ...anyPorts);
  const { port } = new URL(await applicationUrl(first));
  const second = new Run('start', 'app', '--data=other', `--http-port=${port}`, '--operations-port=0');
  expect(await second.ended()).toBe(1);
  expect(second.err).toMatch(new RegExp(`^zerohop: Port ${port} [^\\n]*in use[^\\n]*\\n$`));
});

test.each([
  [['--http-host=nowhere.invalid'], 'nowhere.invalid (http.host) is no address of this machine'],
  [['--operations-host=192.0.2.1'], '192.0.2.1 (operations.host) is no address of this machine'],
  [['--http-port=7', '--operations-port=7'], 'http.port and operations.port are both 7'],
  [['--data=app/config.yaml'], 'app/config.yaml can not be made: a file is in its place'],
  [['--data=app/config.yaml/x'], 'app/config.yaml/x can not be made: a file is in its place'],
])('%p ends it with code 1 and one line that says why', async (words, why) => {
  const run = new Run('start', 'app', ...anyPorts, ...words);
  expect(await run.ended()).toBe(1);
  expect(run.err).toMatch(/^zerohop: [^\n]*\n$/);
  expect(run.err).toContain(why);
});

test('a data folder in use ends it with code 1 and one line that names it', async () => {
  await applicationUrl(new Run('start', 'app', ...anyPorts));
  const second = new Run('start', 'app', ...anyPorts);
  expect(await second.ended()).toBe(1);
  expect(second.err).toMatch(/^zerohop: [^\n]*\/data[^\n]*\n$/);
});

test('with JSON asked for, every line is JSON', async () => {
  const run = new Run('start', 'app', '--log-format=json', ...anyPorts);
  await run.printed(/"msg":"ready"/);
  run.child.kill('SIGINT');
  expect(await run.ended()).toBe(0);
  expect(run.out).toBe('');
  const lines = run.err.trim().split('\n');
  const ready = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'ready');
  expect(ready).toMatchObject({ level: 'info', http: expect.stringMatching(/^http:/), data: join(folder, 'data') });
});

test('dev reloads what has changed', async () => {
  const run = new Run('dev', 'app', ...anyPorts);
  const url = await applicationUrl(run);
  expect(await (await fetch(`${url}Greeting/`)).json()).toEqual({ greeting: 'hello' });
  writeGreeting('good evening');
  await run.printed(/Changed: resources\.ts/);
  await run.printed(/Reloaded in/);
  expect(await (await fetch(`${url}Greeting/`)).json()).toEqual({ greeting: 'good evening' });
  run.child.kill('SIGINT');
  expect(await run.ended()).toBe(0);
});

test('killed outright, the launcher leaves no node behind', async () => {
  const run = new Run('start', 'app', ...anyPorts);
  await applicationUrl(run);
  run.child.kill('SIGKILL');
  // The output ends with the last process that can write to it.
  await run.ended();
  const next = new Run('start', 'app', ...anyPorts);
  const url = await applicationUrl(next);
  expect(await (await fetch(`${url}health`)).status).toBe(200);
});

test('dev tells in the browser too what could not be loaded; start does not', async () => {
  writeFileSync(join(folder, 'app/resources.ts'), 'export class Greeting {{');
  const detail = async (command: string) => {
    const run = new Run(command, 'app', ...anyPorts, `--data=${command}`);
    const { detail } = (await (await fetch(`${await applicationUrl(run)}Greeting/`)).json()) as { detail: string };
    return detail;
  };
  expect(await detail('dev')).toContain('could not be loaded in full: resources.ts:1:');
  expect(await detail('start')).toBe('Nothing is served at /Greeting/. Paths are case-sensitive.');
});

test('dev goes on with the old code while the new can not be loaded, and says why', async () => {
  const run = new Run('dev', 'app', ...anyPorts);
  const url = await applicationUrl(run);
  const greeting = async () => (await fetch(`${url}Greeting/`)).json();
  expect(await greeting()).toEqual({ greeting: 'hello' });
  writeFileSync(join(folder, 'app/resources.ts'), 'export class Greeting {{');
  await run.printed(/goes on serving\. resources\.ts:1:/);
  expect(await greeting()).toEqual({ greeting: 'hello' });
  writeGreeting('mended');
  await run.printed(/Reloaded/);
  expect(await greeting()).toEqual({ greeting: 'mended' });
});
