// Addresses of the stylesheet and the script, with a mark of their content, so that a change is fetched at once.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const addresses = new Map<string, string>();

export function assetUrl(file: 'shop.css' | 'shop.js' | 'compare.js'): string {
  let address = addresses.get(file);
  if (address === undefined) {
    const content = readFileSync(join(import.meta.dirname, '../web/assets', file));
    address = `/assets/${file}?v=${createHash('sha256').update(content).digest('hex').slice(0, 10)}`;
    addresses.set(file, address);
  }
  return address;
}
