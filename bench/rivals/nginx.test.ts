// nginx, where it is installed, takes its configuration and caches.

import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { Lab } from '../lab.ts';
import { nginxPath, startNginx } from './nginx.ts';

const isHere = existsSync(nginxPath) && Bun.which('wrk') !== null && Bun.which('taskset') !== null;

test.skipIf(!isHere)('nginx answers from its cache the second time', async () => {
  let asked = 0;
  const origin = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response(`page ${++asked}`) });
  await using lab = new Lab();
  const nginx = await startNginx(lab, {
    originPort: origin.port ?? 0,
    cores: '0,1',
    directives: ['proxy_cache_use_stale error timeout updating http_500;', 'proxy_cache_background_update on;'],
    inMemory: true,
  });
  try {
    const ask = async () => {
      const response = await fetch(`${nginx.url}/a?b=1`);
      return [response.headers.get('x-cache'), await response.text()];
    };
    expect(await ask()).toEqual(['MISS', 'page 1']);
    expect(await ask()).toEqual(['HIT', 'page 1']);
  } finally {
    await nginx.stop();
    await origin.stop(true);
  }
  expect(existsSync(nginx.cacheFolder)).toBe(false);
});
