// Copies WALs into their database files as far as it goes without waiting for anyone, while the store thread goes on committing.

import { Connection } from '../storage/index.ts';

export class WalCopies {
  readonly #connections = new Map<string, Connection>();

  /** @param path of the database file */
  copy(path: string): void {
    const connection = this.#connections.get(path) ?? new Connection(path, { readonly: false });
    this.#connections.set(path, connection);
    connection.all('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /** The file of this name may be another one from now on. */
  forget(database: string): void {
    for (const [path, connection] of this.#connections) {
      if (!path.endsWith(`/${database}.db`)) continue;
      connection.close();
      this.#connections.delete(path);
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }
}
