// Numbers and text into bytes: varints (LEB128, up to 2^53), UTF-8 with its length before it.

export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #end = 0;
  readonly #encoder = new TextEncoder();

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** What was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end);
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#end++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    new DataView(this.#bytes.buffer).setUint16(this.#end, value, true);
    this.#end += 2;
  }

  u32(value: number, at?: number): void {
    if (at === undefined) {
      this.#room(4);
      at = this.#end;
      this.#end += 4;
    }
    new DataView(this.#bytes.buffer).setUint32(at, value, true);
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#end++] = rest;
  }

  /** Any whole number within ±(2^53 - 1). */
  signed(value: number): void {
    this.u8(value < 0 ? 1 : 0);
    this.varint(Math.abs(value));
  }

  text(value: string): void {
    // Text of ASCII alone, the common case, has as many bytes as characters.
    this.#room(8 + value.length);
    const start = this.#end;
    this.varint(value.length);
    const { read, written } = this.#encoder.encodeInto(value, this.#bytes.subarray(this.#end));
    if (read === value.length && written === value.length) {
      this.#end += written;
      return;
    }
    this.#end = start;
    this.bytes(this.#encoder.encode(value));
  }

  bytes(value: Uint8Array): void {
    this.varint(value.byteLength);
    this.raw(value);
  }

  /** Without its length. */
  raw(value: Uint8Array): void {
    this.#room(value.byteLength);
    this.#bytes.set(value, this.#end);
    this.#end += value.byteLength;
  }

  /** 0 for null, else 1 and the value. */
  nullable<T>(value: T | null, write: (value: T) => void): void {
    this.u8(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.varint(values.length);
    for (const value of values) write(value);
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#end + bytes));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}
