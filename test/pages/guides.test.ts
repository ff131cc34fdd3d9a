// Every command of the guides is run as it stands there, against a node with the configuration of the guide.

import { expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startOrigin } from '../support/page-origin.ts';
import { launcher, startNode } from '../support/start-node.ts';

// Several nodes are started, on machines that may have much else to do.
setDefaultTimeout(30_000);

const guides = resolve(import.meta.dirname, '../../docs/guides');
const read = (name: string) => readFileSync(join(guides, name), 'utf8');
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, body = '']) => body);

/** Lines of the shell, and commands in tables; but for the one that starts the node, and those with words to fill in. */
function commandsOf(text: string): string[] {
  const inTables = [...text.matchAll(/^\|.*$/gm)].flatMap(([row]) => [...row.matchAll(/`(npx zerohop [^`]+)`/g)]);
  return [...blocks(text, 'bash').flatMap((block) => block.split('\n')), ...inTables.map(([, command = '']) => command)]
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && line !== 'npx zerohop start .' && !/\bTAG\b/.test(line));
}

test.each(['pages.md', 'outage.md'])('the commands of %s', async (name) => {
  await using origin = startOrigin((_request, path) =>
    path === '/sitemap.xml'
      ? new Response('<urlset><url><loc>/product/1</loc></url></urlset>')
      : new Response('page', { headers: { 'surrogate-key': 'product-1' } }),
  );
  const app = mkdtempSync(join(tmpdir(), 'zerohop-guide-'));
  const [config = ''] = blocks(read('pages.md'), 'yaml');
  writeFileSync(join(app, 'config.yaml'), config.replace('https://origin.example.com', origin.url));
  try {
    await using node = await startNode({ app, threads: 1 });
    const commands = commandsOf(read(name));
    expect(commands.length).toBeGreaterThan(8);
    for (const command of commands) {
      const { code, text } = await shell(
        command
          .replaceAll('npx zerohop', `node ${launcher}`)
          .replaceAll('http://localhost:9926', node.url)
          .replaceAll('http://localhost:9925/', `${node.operationsUrl}/`),
        app,
        node.folder,
      );
      expect([command, code, code === 0 ? '' : text]).toEqual([command, 0, '']);
    }
    // As the guide says of the second time.
    const ask = () => fetch(`${node.url}/product/1`, { headers: { host: 'shop.example.com' } });
    await (await ask()).text();
    expect((await ask()).headers.get('cache-status')).toStartWith('zerohop;hit');
  } finally {
    rmSync(app, { recursive: true, force: true });
  }
});

async function shell(command: string, folder: string, data: string) {
  const child = Bun.spawn(['sh', '-c', command], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), ZEROHOP_DATA: data },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, text: out + err };
}
