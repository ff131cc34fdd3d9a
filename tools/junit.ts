// Counts in a JUnit report as `bun test` writes it.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Their names. */
  readonly skipped: readonly string[];
}

export function countsOf(report: string): Counts {
  const skipped: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const [, attributes = '', selfClosed, body = ''] of report.matchAll(
    /<testcase\b((?:[^>"]|"[^"]*")*?)(?:(\/)>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    if (selfClosed === undefined && /<(failure|error)\b/.test(body)) failed += 1;
    else if (selfClosed === undefined && /<skipped\b/.test(body)) skipped.push(nameIn(attributes));
    else passed += 1;
  }
  return { passed, failed, skipped };
}

function nameIn(attributes: string): string {
  const value = (name: string) => decoded(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
  const file = value('file');
  return file === '' ? value('name') : `${file}: ${value('name')}`;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '');
}
