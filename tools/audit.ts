// `npm audit` as a step of the checks: what is known of the packages this needs. Where the registry does not answer such questions, that is said,
// and nothing fails.

import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** How long the registry may take, in ms. */
const registryMs = 20_000;

export type AuditOutcome =
  | { readonly kind: 'clean' }
  | { readonly kind: 'unsafe'; readonly packages: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string };

/** What `npm audit --json` printed. */
export function outcomeOf(printed: string): AuditOutcome {
  let report: unknown;
  try {
    report = JSON.parse(printed);
  } catch {
    return { kind: 'unknown', why: 'npm gave no report' };
  }
  if (typeof report !== 'object' || report === null) return { kind: 'unknown', why: 'npm gave no report' };
  const { vulnerabilities, message, error } = report as Readonly<Record<string, unknown>>;
  if (typeof vulnerabilities !== 'object' || vulnerabilities === null) {
    const why = typeof message === 'string' ? message : JSON.stringify(error ?? 'the registry gave no report');
    return { kind: 'unknown', why: why.slice(0, 300) };
  }
  const packages = Object.entries(vulnerabilities).map(
    ([name, found]) => `${name} (${String((found as Readonly<Record<string, unknown>>).severity)})`,
  );
  return packages.length === 0 ? { kind: 'clean' } : { kind: 'unsafe', packages };
}

if (import.meta.main) {
  const child = Bun.spawn(['npm', 'audit', '--json', '--fetch-retries=0', `--fetch-timeout=${registryMs}`], {
    cwd: root,
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: 2 * registryMs,
  });
  const outcome = outcomeOf(await child.stdout.text());
  if (outcome.kind === 'clean') console.log('audit: nothing is known against the packages');
  if (outcome.kind === 'unknown') console.log(`audit: not checked: ${outcome.why}`);
  if (outcome.kind === 'unsafe') console.log(`audit: known to be unsafe: ${outcome.packages.join(', ')}`);
  process.exit(outcome.kind === 'unsafe' ? 1 : 0);
}
