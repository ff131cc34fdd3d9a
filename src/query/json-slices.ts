// Parts of JSON text as they stand, without parsing them into values: numbers keep all their digits, and what is not
// wanted costs nothing. The text must be valid JSON.

/** Members of the object `text`: for each wanted name its raw value, undefined for an absent one. `wanted`: name → position. */
export function pickMembers(text: string, wanted: ReadonlyMap<string, number>): (string | undefined)[] {
  const found = new Array<string | undefined>(wanted.size).fill(undefined);
  let left = wanted.size;
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== braceOpen) return found;
  at = skipSpace(text, at + 1);
  while (left > 0 && text.charCodeAt(at) === quote) {
    const nameEnd = stringEnd(text, at);
    const raw = text.slice(at + 1, nameEnd - 1);
    const position = wanted.get(raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw);
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    if (position !== undefined) {
      if (found[position] === undefined) left--;
      found[position] = text.slice(start, end);
    }
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  return found;
}

/** Elements of the array `text`, raw. */
export function elements(text: string): string[] {
  const found: string[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && text.charCodeAt(at) !== bracketClose) {
    const end = valueEnd(text, at);
    found.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  return found;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const braceOpen = 0x7b;
const braceClose = 0x7d;

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

/** Position after the string that starts at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    if (at < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

/** Position after the value that starts at `start`. */
function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return stringEnd(text, start);
  let at = start;
  if (first !== braceOpen && first !== bracketOpen) {
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === comma || code === braceClose || code === bracketClose || code <= 0x20) break;
    }
    return at;
  }
  for (let depth = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = stringEnd(text, at);
      continue;
    }
    at++;
    if (code === braceOpen || code === bracketOpen) depth++;
    else if ((code === braceClose || code === bracketClose) && --depth === 0) return at;
  }
  return at;
}
