// Percent-decoding of one name or value. `+` is a plus: a space is %20.

import { ZerohopError } from '../base/index.ts';

export function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ZerohopError('INVALID_QUERY', `"${text}" is not percent-encoded UTF-8. Write a percent sign as %25.`);
  }
}
