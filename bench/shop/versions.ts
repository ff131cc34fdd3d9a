/** Versions of the load generators. */
export async function toolVersions(): Promise<Record<string, string>> {
  // wrk prints its version, and how it is used, with status 1.
  const child = Bun.spawn(['wrk', '--version'], { stdout: 'pipe', stderr: 'pipe' });
  const text = (await child.stdout.text()) + (await child.stderr.text());
  return { wrk: /wrk (?:debian\/)?(\S+)/.exec(text)?.[1] ?? 'unknown' };
}
