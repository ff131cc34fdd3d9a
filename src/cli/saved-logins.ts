// What `zerohop login` keeps: of each node, the tokens of whoever signed in there. A file for its owner alone.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Refusal } from './failure.ts';

export interface SavedLogin {
  readonly username: string;
  readonly operationToken: string;
  readonly refreshToken: string;
}

export class SavedLogins {
  readonly path: string;

  constructor(home: string = homedir()) {
    this.path = join(home, '.zerohop', 'credentials.json');
  }

  /** @param target address of the node's operations port */
  get(target: string): SavedLogin | undefined {
    return this.#read()[keyOf(target)];
  }

  set(target: string, login: SavedLogin): void {
    this.#write({ ...this.#read(), [keyOf(target)]: login });
  }

  /** False: there was none. */
  remove(target: string): boolean {
    const { [keyOf(target)]: removed, ...rest } = this.#read();
    if (removed !== undefined) this.#write(rest);
    return removed !== undefined;
  }

  #read(): Readonly<Record<string, SavedLogin>> {
    if (!existsSync(this.path)) return {};
    try {
      return JSON.parse(readFileSync(this.path, 'utf8')) as Record<string, SavedLogin>;
    } catch {
      throw new Refusal(`${this.path} can't be read. Remove it and sign in again with: zerohop login`);
    }
  }

  #write(logins: Readonly<Record<string, SavedLogin>>): void {
    const folder = dirname(this.path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Whole or not at all, and never readable by others, not even for a moment.
    const next = `${this.path}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, this.path);
  }
}

function keyOf(target: string): string {
  return URL.canParse(target) ? new URL(target).href : target;
}
