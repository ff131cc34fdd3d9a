import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test('the data files are what the generator makes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-shop-'));
  try {
    const made = Bun.spawn([process.execPath, join(import.meta.dirname, 'generate-data.ts'), folder]);
    expect(await made.exited).toBe(0);
    for (const file of ['categories', 'products', 'inventory', 'pricing', 'reviews']) {
      const [fresh, kept] = await Promise.all(
        [folder, join(import.meta.dirname, '../data')].map((place) => Bun.file(join(place, `${file}.json`)).text()),
      );
      expect([file, fresh === kept]).toEqual([file, true]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);
