// The schemas shown in the reference page are accepted as they stand.

import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseSdl } from './parse-sdl.ts';

describe('docs/reference/schema.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/reference/schema.md'), 'utf8');
  const examples = [...page.matchAll(/```graphql\n(.*?)```/gs)].map(([, text]) => text ?? '');

  test('has examples', () => expect(examples.length).toBeGreaterThan(3));
  for (const [index, text] of examples.entries()) {
    test(`example ${index + 1}`, () => expect(parseSdl(text, 'schema.md').tables.length).toBeGreaterThan(0));
  }
});
