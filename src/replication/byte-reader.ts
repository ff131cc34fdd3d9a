// Bytes into numbers and text. Nothing is allocated for a length before the bytes it speaks of are known to be there, so that what is read
// takes no more memory than a small multiple of what was sent. Throws `Unreadable`, and nothing else.

/** Bytes that are not what they should be: see `decodeFrame`, which lets none of these out. */
export class Unreadable extends Error {}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at;
  }

  u8(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new Unreadable('ends too early');
    this.#at++;
    return value;
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new Unreadable('has a flag that is neither 0 nor 1');
    return value === 1;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value) || (byte === 0 && count > 0)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new Unreadable('has a number out of range');
  }

  signed(): number {
    const isNegative = this.flag();
    const value = this.varint();
    if (isNegative && value === 0) throw new Unreadable('has a negative zero');
    return isNegative ? -value : value;
  }

  /** @param most largest number of bytes */
  text(most: number): string {
    const bytes = this.bytes(most);
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new Unreadable('has text that is not UTF-8');
    }
  }

  /** A view, not a copy. */
  bytes(most: number): Uint8Array {
    const length = this.varint();
    if (length > most) throw new Unreadable(`has a value of ${length} bytes where ${most} are allowed`);
    if (length > this.left) throw new Unreadable('ends too early');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  nullable<T>(read: () => T): T | null {
    return this.flag() ? read() : null;
  }

  /** @param most largest number of elements; each takes a byte at least */
  list<T>(most: number, read: () => T): T[] {
    const length = this.varint();
    if (length > most || length > this.left) throw new Unreadable(`has a list of ${length}`);
    const values: T[] = [];
    for (let index = 0; index < length; index++) values.push(read());
    return values;
  }

  end(): void {
    if (this.left > 0) throw new Unreadable('goes on after its end');
  }
}
