// Debian's nginx as a caching reverse proxy, set up as those who run it would: one worker, files sent by the kernel and kept open, connections kept
// alive on both sides, no access log. Its configuration and files are in the lab's folder; nothing of the system's own nginx is touched.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type Lab, type Server } from '../lab.ts';

export const nginxPath = '/usr/sbin/nginx';

export interface NginxSettings {
  readonly port: number;
  /** Of the origin, on 127.0.0.1. */
  readonly originPort: number;
  readonly folder: string;
  readonly cacheFolder: string;
  /** Directives for what is cached. */
  readonly directives: readonly string[];
}

/** Most open files it may have: connections of both sides, and pages. */
const openFiles = 20_000;

export function nginxConf({ port, originPort, folder, cacheFolder, directives }: NginxSettings): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 1;
worker_rlimit_nofile ${openFiles};
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} crit;
events {
  worker_connections ${openFiles / 2};
  multi_accept on;
}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  open_file_cache max=${openFiles / 2} inactive=10m;
  open_file_cache_valid 1m;
  open_file_cache_min_uses 1;
  default_type text/html;
  ${temporary.join('\n  ')}
  proxy_cache_path ${cacheFolder} levels=1:2 keys_zone=pages:512m max_size=50g inactive=7d use_temp_path=off;
  upstream origin {
    server 127.0.0.1:${originPort};
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache pages;
      proxy_cache_key $uri$is_args$args;
      proxy_cache_lock on;
      proxy_cache_valid 200 1d;
      add_header X-Cache $upstream_cache_status always;
      ${directives.join('\n      ')}
    }
  }
}
`;
}

export interface NginxOptions {
  readonly originPort: number;
  readonly cores: string;
  readonly directives?: readonly string[];
  /** Keep what is cached in memory. Otherwise it is in the lab's folder. */
  readonly inMemory: boolean;
}

export interface Nginx extends Server {
  readonly cacheFolder: string;
}

/** Resolves when it accepts connections. */
export async function startNginx(
  lab: Lab,
  { originPort, cores, directives = [], inMemory }: NginxOptions,
): Promise<Nginx> {
  if (!existsSync(nginxPath))
    throw new Error('This benchmark needs nginx. On Debian or Ubuntu: apt-get install nginx-light');
  const folder = lab.newPath('nginx');
  mkdirSync(folder);
  const isShared = inMemory && existsSync('/dev/shm');
  const cacheFolder = isShared ? mkdtempSync('/dev/shm/zerohop-bench-') : join(folder, 'cache');
  const port = freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, nginxConf({ port, originPort, folder, cacheFolder, directives }));
  const child = Bun.spawn(['taskset', '-c', cores, nginxPath, '-p', folder, '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: lab.signal,
  });
  const removeCache = () => isShared && rmSync(cacheFolder, { recursive: true, force: true });
  void child.exited.then(removeCache);
  const deadline = performance.now() + 10_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill();
      throw new Error(`nginx did not start: ${await child.stderr.text()}${logOf(folder)}`);
    }
    await Bun.sleep(20);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    cacheFolder,
    async stop() {
      child.kill('SIGTERM');
      await child.exited;
      removeCache();
    },
  };
}

function logOf(folder: string): string {
  const file = join(folder, 'error.log');
  return existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : '';
}

async function accepts(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
