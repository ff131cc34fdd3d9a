// What a node keeps of the apps deployed to it, in `<data>/deployments`: a folder for each, and which of them runs.
//
//   current.json    { id, previous }
//   <id>/           the app, installed; deployment.json beside it tells what it is

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZerohopError } from '../base/index.ts';

export interface Deployment {
  /** Ordered by time. */
  readonly id: string;
  readonly project: string;
  /** Ms since 1970. */
  readonly preparedMs: number;
}

export interface Current {
  readonly id: string;
  /** What ran before; null: the folder the node was started with. */
  readonly previous: string | null;
}

/** Deployments whose folders stay, so that they can run again. */
const kept = 5;

export class DeploymentFolder {
  readonly #path: string;

  /** @param data the data folder */
  constructor(data: string) {
    this.#path = join(data, 'deployments');
  }

  /** What runs in place of the folder the node is started with. */
  get current(): Current | undefined {
    const file = join(this.#path, 'current.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Current) : undefined;
  }

  /** Oldest first. */
  list(): Deployment[] {
    if (!existsSync(this.#path)) return [];
    return readdirSync(this.#path)
      .filter((name) => existsSync(join(this.#path, name, 'deployment.json')))
      .sort()
      .map((name) => JSON.parse(readFileSync(join(this.#path, name, 'deployment.json'), 'utf8')) as Deployment);
  }

  has(id: string): boolean {
    return isId(id) && existsSync(join(this.#path, id, 'deployment.json'));
  }

  appOf(id: string): string {
    return join(this.#path, id, 'app');
  }

  /** A new folder for the app of a deployment; it counts once `keep` was called. */
  begin(id: string): string {
    if (!isId(id)) throw new ZerohopError('INVALID_REQUEST', `${id} is no id of a deployment.`);
    rmSync(join(this.#path, id), { recursive: true, force: true });
    const app = this.appOf(id);
    mkdirSync(app, { recursive: true, mode: 0o700 });
    return app;
  }

  keep(deployment: Deployment): void {
    writeFileSync(join(this.#path, deployment.id, 'deployment.json'), JSON.stringify(deployment));
  }

  drop(id: string): void {
    if (isId(id)) rmSync(join(this.#path, id), { recursive: true, force: true });
  }

  /** From the next start on this one runs; null: the folder the node is started with. */
  run(id: string | null): void {
    const file = join(this.#path, 'current.json');
    if (id === null) return rmSync(file, { force: true });
    const before = this.current;
    const previous = before?.id === id ? before.previous : (before?.id ?? null);
    writeFileSync(`${file}.new`, JSON.stringify({ id, previous } satisfies Current));
    renameSync(`${file}.new`, file);
    this.#prune(id, previous);
  }

  #prune(current: string, previous: string | null): void {
    const old = this.list().slice(0, -kept);
    for (const { id } of old) if (id !== current && id !== previous) this.drop(id);
  }
}

/** Ids come from operations and from other nodes, and are names of folders here. */
function isId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}
