// Connections to PostgreSQL, and prepared statements on them.

import pg from 'pg';

const connectMs = 30_000;
const againMs = 20;

/**
 * @param {string} url
 * @param {number} size most connections at once
 */
export function openPool(url, size) {
  const pool = new pg.Pool({ connectionString: url, max: size, idleTimeoutMillis: 0, keepAlive: true });
  // A connection that breaks while nobody uses it is replaced by the next that is needed.
  pool.on('error', () => {});
  return {
    /**
     * Rows of a prepared statement.
     * @param {string} name same name, same text
     * @param {string} text
     * @param {unknown[]} [values]
     */
    async rows(name, text, values = []) {
      return (await pool.query({ name, text, values })).rows;
    },
    /** Resolves when the database answers. */
    async ready() {
      const deadline = Date.now() + connectMs;
      for (;;) {
        try {
          await pool.query('SELECT 1');
          return;
        } catch (error) {
          if (Date.now() > deadline) throw error;
          await new Promise((resolve) => setTimeout(resolve, againMs));
        }
      }
    },
    close: () => pool.end(),
  };
}

/** @typedef {ReturnType<typeof openPool>} Pool */
