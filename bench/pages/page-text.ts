// Pages as shops have them: distinct, always the same for a number, and about as compressible as real ones (50 KB become 10).

/** A page of `bytes` bytes, all of them ASCII. */
export function pageText(number: number, bytes: number): string {
  const random = numbersFrom(number + 1);
  const word = () => words[Math.floor(words.length * random() ** 5)] ?? '';
  const parts = [`<!doctype html><html><head><title>Product ${number}</title></head><body>`];
  const end = '</body></html>';
  let length = end.length + (parts[0]?.length ?? 0);
  while (length < bytes) {
    const text = Array.from({ length: 12 }, word).join(' ');
    const item = `<div class="product-tile"><a class="product-link" href="/p/${Math.floor(random() * 1e6)}">${text}</a></div>\n`;
    parts.push(item);
    length += item.length;
  }
  return `${parts.join('').slice(0, bytes - end.length)}${end}`;
}

const words = makeWords(2_000);

function makeWords(count: number): readonly string[] {
  const random = numbersFrom(7);
  const letters = 'etaoinshrdlucmfwypvbgkjqxz';
  const letter = () => letters[Math.floor(letters.length * random() ** 1.7)] ?? 'e';
  return Array.from({ length: count }, () => Array.from({ length: 3 + Math.floor(random() * 6) }, letter).join(''));
}

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
export function numbersFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
