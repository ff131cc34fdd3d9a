// From the chunks a connection delivers to frames. Keeps at most one unfinished frame, and of that only what has arrived.

import type { CloseCode } from './close-codes.ts';
import { decodeFrame, type Frame } from './frame-codec.ts';
import { replicationLimits } from './limits.ts';

export type Split =
  | { readonly ok: true; readonly frame: Frame; readonly bytes: number }
  | { readonly ok: false; readonly code: CloseCode; readonly reason: string };

export class FrameSplitter {
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #greeted = false;
  #broken = false;

  /** The frames that this chunk completes. After a refusal there is nothing more. */
  *push(chunk: Uint8Array): Generator<Split> {
    if (this.#broken) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    while (this.#buffered >= 4) {
      const length = this.#length();
      const most = this.#greeted ? replicationLimits.frameBytes : replicationLimits.helloBytes;
      if (length > most || length === 0) {
        this.#broken = true;
        this.#chunks = [];
        return yield {
          ok: false,
          code: 'TOO_LARGE',
          reason: `A frame of ${length} bytes, where 1 to ${most} are possible.`,
        };
      }
      if (this.#buffered < 4 + length) return;
      const decoded = decodeFrame(this.#take(4 + length).subarray(4));
      if (!decoded.ok) {
        this.#broken = true;
        this.#chunks = [];
        return yield decoded;
      }
      this.#greeted = true;
      yield { ...decoded, bytes: 4 + length };
    }
  }

  #length(): number {
    let length = 0;
    let at = 0;
    for (const chunk of this.#chunks) {
      for (const byte of chunk.subarray(0, 4 - at)) length += byte * 256 ** at++;
      if (at === 4) break;
    }
    return length;
  }

  /** The first `size` bytes, in one piece. */
  #take(size: number): Uint8Array {
    this.#buffered -= size;
    const [first] = this.#chunks;
    if (first && first.byteLength >= size) {
      if (first.byteLength === size) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    const whole = Buffer.allocUnsafeSlow(size);
    let at = 0;
    while (at < size) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) break;
      const part = chunk.subarray(0, size - at);
      whole.set(part, at);
      at += part.byteLength;
      if (part.byteLength < chunk.byteLength) this.#chunks.unshift(chunk.subarray(part.byteLength));
    }
    return whole;
  }
}
