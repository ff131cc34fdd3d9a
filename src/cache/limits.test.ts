import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { sourceDefaults } from './limits.ts';

test('the reference has every option of sourcedFrom, and what it is without it', async () => {
  const page = await Bun.file(join(import.meta.dirname, '../../docs/reference/caching.md')).text();
  const [, section = ''] = page.split('| Option | Default | |\n');
  const rows = [...(section.split('\n\n')[0] ?? '').matchAll(/^\| (`.*?`) \| (.*?) \|/gm)];
  const told = rows.flatMap(([, names = '', values = '']) => {
    const given = values.split(', ');
    return [...names.matchAll(/`(\w+)`/g)].map(([, name = ''], at) => [name, given[at] ?? given[0]] as const);
  });
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(Object.entries(sourceDefaults).map(([name, value]) => [name, String(value)])),
  );
});
