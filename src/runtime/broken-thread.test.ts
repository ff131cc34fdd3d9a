// A thread whose modules can not be loaded, as of an installation that is not whole: the node says so and ends.

import { afterAll, expect, test } from 'bun:test';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

for (const thread of ['serve', 'store']) {
  test(`the ${thread} thread's`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zerohop-broken-'));
    folders.push(folder);
    for (const part of ['src', 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    appendFileSync(join(folder, 'src', 'runtime', `${thread}-thread.ts`), "\nthrow new Error('a part is missing');\n");
    const command = [process.execPath, join(folder, 'src', 'cli', 'main.ts'), 'start', folder];
    const env = {
      ...process.env,
      ZEROHOP_DATA: join(folder, 'data'),
      ZEROHOP_HTTP_PORT: '0',
      ZEROHOP_OPERATIONS_PORT: '0',
    };
    const node = Bun.spawn(command, { env, stdout: 'pipe', stderr: 'pipe' });
    const said = await new Response(node.stderr).text();
    expect(await node.exited).toBe(1);
    expect(said).toContain('a part is missing');
    expect(said.toLowerCase()).toContain(`${thread} thread`);
  }, 60_000);
}
