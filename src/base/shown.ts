// Values in messages.

/** In characters; the rest of a long one says nothing more. */
const longest = 100;

/** Any value at all as a message shows it. What an object says of itself is not asked: whoever sent it decides what its `toString` is. */
export function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? 'a function' : String(value);
  try {
    const text = JSON.stringify(value);
    return text.length > longest ? `${text.slice(0, longest)}…` : text;
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object';
  }
}
