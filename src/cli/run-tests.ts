// `zerohop test`: Bun's test runner, from the Bun that runs this command, so that an application needs none of its own.

/** The exit code of the test run. */
export async function runTests(options: readonly string[]): Promise<number> {
  const child = Bun.spawn([process.execPath, 'test', ...options], { stdio: ['inherit', 'inherit', 'inherit'] });
  return await child.exited;
}
