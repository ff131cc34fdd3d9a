// Apps deployed to running nodes and clusters: switched without a request failing, or not at all.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TestCluster } from '../cluster/cluster.ts';
import { launcher, startNode, type TestNode } from '../support/start-node.ts';
import { until } from '../support/until.ts';

setDefaultTimeout(60_000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-deploy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The folder of an app that says `text` at /Hello/. */
function app(name: string, text: string, code = ''): string {
  return write(name, {
    'config.yaml': 'rest: true\ngraphqlSchema:\n  files: schema.graphql\njsResource:\n  files: resources.ts\n',
    'schema.graphql': `type ${name} @table @export { id: ID @primaryKey }\n`,
    'resources.ts': `import { Resource } from 'zerohop';\n${code}\nexport class Hello extends Resource {\n  static get() { return { text: '${text}' }; }\n}\n`,
  });
}

function write(name: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return join(folder, name);
}

async function operate(node: TestNode, body: Readonly<Record<string, unknown>>): Promise<[number, Answer]> {
  const response = await fetch(node.operationsUrl, { method: 'POST', body: JSON.stringify(body) });
  return [response.status, (await response.json()) as Answer];
}

interface Answer {
  readonly detail?: string;
  readonly message?: string;
  readonly deployment_id?: string;
  readonly nodes?: Readonly<Record<string, string>>;
}

const hello = async (node: TestNode): Promise<string> => (await fetch(`${node.url}/Hello/`)).text();
const says = (text: string) => JSON.stringify({ text });

test.each([0, 2])(
  'a deployment is switched to without a failed request, outlives a restart, and goes back, with %i threads',
  async (threads) => {
    const [one, two] = [app('One', 'one'), app('Two', 'two')];
    const data = join(folder, `data-${threads}`);
    {
      await using node = await startNode({ app: one, data, threads });
      expect(await hello(node)).toBe(says('one'));
      let asking = true;
      const statuses = new Set<number>();
      const asked = (async () => {
        while (asking) statuses.add((await fetch(`${node.url}/Hello/`)).status);
      })();
      const [status, answer] = await operate(node, { operation: 'deploy_component', package: two });
      asking = false;
      await asked;
      expect([status, answer.message]).toEqual([200, 'Successfully deployed: Two']);
      expect([...statuses]).toEqual([200]);
      expect(await hello(node)).toBe(says('two'));
      expect((await fetch(`${node.url}/Two/x`, { method: 'PUT', body: '{"id":"x"}' })).status).toBe(204);
      expect(await node.stop()).toBe(0);
    }
    await using again = await startNode({ app: one, data, threads });
    expect(await hello(again)).toBe(says('two'));
    expect((await operate(again, { operation: 'rollback_component' }))[1]).toMatchObject({ deployment_id: null });
    expect(await hello(again)).toBe(says('one'));
    // No record is gone with the app that knew its table.
    const found = { operation: 'search_by_id', table: 'Two', ids: ['x'] };
    expect(await operate(again, found)).toMatchObject([200, [{ id: 'x' }]]);
  },
);

describe('what can not run', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode({ app: app('Good', 'good'), threads: 1 });
  });
  afterAll(() => node?.[Symbol.asyncDispose]());

  const archiveOf = (files: Record<string, string>) =>
    new Bun.Archive(files, { compress: 'gzip' }).bytes().then((bytes) => Buffer.from(bytes).toString('base64'));

  test.each<[string, () => Promise<Record<string, unknown>>, number, RegExp]>([
    [
      'throws',
      async () => ({ package: app('Bad', 'bad', "throw new Error('not today');") }),
      400,
      /resources\.ts:2.*not today/s,
    ],
    [
      'has a wrong schema',
      async () => ({
        package: write('Wrong', {
          'config.yaml': 'graphqlSchema:\n  files: s.graphql\n',
          's.graphql': 'type X @table { id: Foo }',
        }),
      }),
      400,
      /Foo/,
    ],
    [
      'has a wrong configuration',
      async () => ({ package: write('Odd', { 'config.yaml': 'restt: true\n' }) }),
      400,
      /restt/,
    ],
    [
      'is the folder above the app’s',
      async () => ({ package: write('Above', { 'app/config.yaml': 'rest: true\n', 'notes.txt': '' }) }),
      400,
      /there is no application in it/,
    ],
    ['is no archive', async () => ({ payload: Buffer.from('hello').toString('base64') }), 400, /no tar archive/],
    ['is empty', async () => ({ payload: await archiveOf({}) }), 400, /no files|no tar archive/],
    [
      'unpacks to more than there is room for',
      async () => ({ payload: Buffer.from(Bun.gzipSync(new Uint8Array(300 * 1024 * 1024))).toString('base64') }),
      413,
      /may have/,
    ],
    ['is nowhere', async () => ({ package: '/nowhere/at/all' }), 404, /\/nowhere\/at\/all/],
    ['is not named', async () => ({}), 400, /"payload".*"package"/],
    ['is named twice', async () => ({ payload: 'x', package: 'y' }), 400, /"payload".*"package"/],
  ])('an app that %s is refused, and the one before goes on', async (_, body, expected, why) => {
    const [status, answer] = await operate(node, { operation: 'deploy_component', ...(await body()) });
    expect([status, answer.detail]).toEqual([expected, expect.stringMatching(why)]);
    expect(await hello(node)).toBe(says('good'));
    expect((await operate(node, { operation: 'list_deployments' }))[1]).toEqual([] as unknown as Answer);
  });

  test('files outside of the app are not written', async () => {
    const payload = await archiveOf({
      'config.yaml': 'rest: true\n',
      '../../escaped.txt': 'x',
      '/tmp/zerohop-escaped': 'x',
    });
    const [status] = await operate(node, { operation: 'deploy_component', payload });
    expect(status).toBe(400);
    expect(await Bun.file(join(node.folder, 'deployments', 'escaped.txt')).exists()).toBe(false);
    expect(await Bun.file('/tmp/zerohop-escaped').exists()).toBe(false);
  });

  test.each(['../secret', '/etc/passwd', 'config.yaml/../../x', 'nothing'])('the file %p is not told', async (file) => {
    expect((await operate(node, { operation: 'get_component_file', file }))[0]).toBe(404);
  });

  test.each(['../..', 'x', '', '019aa000-0000-7000-8000-000000000000'])('there is no going back to %p', async (id) => {
    const [status] = await operate(node, { operation: 'rollback_component', deployment_id: id });
    expect(status).toBe(id === '' ? 400 : 404);
    expect(await hello(node)).toBe(says('good'));
  });

  test('its own files are', async () => {
    const [, { message }] = await operate(node, { operation: 'get_component_file', file: 'schema.graphql' });
    expect(message).toBe('type Good @table @export { id: ID @primaryKey }\n');
  });
});

test('from the command line, and back', async () => {
  await using node = await startNode({ app: app('Typed', 'typed'), threads: 1 });
  const run = async (...args: string[]) => {
    const command = Bun.spawn(['node', launcher, ...args, '--data', node.folder], { stdout: 'pipe', stderr: 'pipe' });
    const [out, err, code] = await Promise.all([command.stdout.text(), command.stderr.text(), command.exited]);
    return { code, out: code === 0 ? JSON.parse(out) : err };
  };
  expect(await run('deploy', app('Newer', 'newer'))).toMatchObject({
    code: 0,
    out: { message: 'Successfully deployed: Newer' },
  });
  expect(await hello(node)).toBe(says('newer'));
  expect(await run('deployments')).toMatchObject({ code: 0, out: [{ project: 'Newer', current: true }] });
  expect(await run('deploy', app('Broken', 'broken', "throw new Error('no');"))).toMatchObject({
    code: 1,
    out: expect.stringContaining('goes on'),
  });
  expect((await run('rollback')).code).toBe(0);
  expect(await hello(node)).toBe(says('typed'));
});

test('a cluster: all switch, or none; who was away takes it when back', async () => {
  await using cluster = await TestCluster.start({ app: app('First', 'first'), threads: 1 }, ['a', 'b', 'c']);
  const [a, b, c] = [cluster.member('a'), cluster.member('b'), cluster.member('c')];
  const texts = () => Promise.all(cluster.members.map(({ node }) => hello(node)));
  const deploy = (name: string, code?: string) =>
    a.operation<Answer>('deploy_component', { package: app(name, name, code), replicated: true });

  // It loads everywhere but on c.
  writeFileSync(join(c.node.folder, 'unfit'), '');
  const picky = "if (await Bun.file(process.env.ZEROHOP_DATA + '/unfit').exists()) throw new Error('unfit');";
  const refusal = await deploy('Picky', picky).then(
    () => 'was not refused',
    (error: Error) => error.message,
  );
  expect(refusal).toMatch(/Nothing was deployed on any node: c: .*unfit/s);
  expect(await texts()).toEqual([says('first'), says('first'), says('first')]);

  await c.stop();
  await until('it is known that c is away', async () =>
    (await a.status()).peers.some(({ name, connected }) => name === 'c' && !connected),
  );
  expect((await deploy('Second')).nodes).toEqual({
    'this node': 'active',
    b: 'active',
    c: 'away: takes it when it is back',
  });
  expect(await Promise.all([a, b].map(({ node }) => hello(node)))).toEqual([says('Second'), says('Second')]);
  await c.start();
  await until('c has taken it', async () => (await hello(c.node)) === says('Second'));

  expect((await deploy('Third')).nodes).toEqual({ 'this node': 'active', b: 'active', c: 'active' });
  const back = await b.operation<Answer>('rollback_component', { replicated: true });
  expect(back.nodes).toEqual({ 'this node': 'active', a: 'active', c: 'active' });
  expect(await texts()).toEqual([says('Second'), says('Second'), says('Second')]);
});
