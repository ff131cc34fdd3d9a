import { expect, test } from 'bun:test';
import { processTree } from './process-memory.ts';

test('a process, its children and theirs', async () => {
  const shell = Bun.spawn(['sh', '-c', 'sleep 60 & echo $!; wait'], { stdout: 'pipe' });
  const { value } = await shell.stdout.getReader().read();
  const grandchild = Number(new TextDecoder().decode(value));
  try {
    const tree = processTree(process.pid);
    expect(tree[0]).toBe(process.pid);
    expect(tree).toContain(shell.pid);
    expect(tree).toContain(grandchild);
  } finally {
    process.kill(grandchild);
    await shell.exited;
  }
  expect(processTree(process.pid)).not.toContain(shell.pid);
});

test('a process that has ended started nothing', async () => {
  const child = Bun.spawn(['true']);
  await child.exited;
  expect(processTree(child.pid)).toEqual([child.pid]);
});
