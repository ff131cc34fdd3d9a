// Passwords as argon2id hashes. To check one is the same work whether the user exists or not, and only so many are checked at a time.

import { ZerohopError } from '../base/index.ts';

/** OWASP's choice for argon2id: 19 MiB, 2 passes. */
const cost = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const;

/** Checked at a time by one thread, and waiting for it, before calls are refused. */
const atATime = 2;
const mostWaiting = 64;

/** Shortest and longest password, in characters. */
export const passwordLength = { least: 8, most: 1024 } as const;

export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Of a password nobody has: what is checked where there is no user. Made when it is first needed. */
  #nobody: Promise<string> | undefined;

  /** Throws INVALID_REQUEST for one that is too short or too long. */
  async hash(password: unknown): Promise<string> {
    const { least, most } = passwordLength;
    if (typeof password !== 'string' || password.length < least || password.length > most)
      throw new ZerohopError('INVALID_REQUEST', `A password has ${least} to ${most} characters.`);
    return this.#work(() => Bun.password.hash(password, cost));
  }

  /** Whether it is the password of the hash. Without a hash: no, after the same work. Throws OVERLOADED. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    this.#nobody ??= Bun.password.hash(crypto.randomUUID(), cost);
    const against = hash ?? (await this.#nobody);
    const fits = await this.#work(() => Bun.password.verify(password.slice(0, passwordLength.most) || ' ', against));
    return fits && hash !== undefined && password.length <= passwordLength.most;
  }

  async #work<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= atATime) {
      if (this.#waiting.length >= mostWaiting)
        throw new ZerohopError('OVERLOADED', 'Too many sign in at the same time. Try again.', { retryAfterSeconds: 1 });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/** 24 characters of 64: 144 bits. */
export function randomPassword(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64url');
}
