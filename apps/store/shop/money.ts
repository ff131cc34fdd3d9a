const formats = new Map<string, Intl.NumberFormat>();

/** 1250, 'USD' → '$12.50'. */
export function formatMoney(cents: number, currency: string): string {
  let format = formats.get(currency);
  if (!format) {
    format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
    formats.set(currency, format);
  }
  return format.format(cents / 100);
}

const freeDeliveryFromCents = 5000;

/** What sending goods of this value costs, in cents. */
export function deliveryFor(itemsCents: number): number {
  return itemsCents === 0 || itemsCents >= freeDeliveryFromCents ? 0 : 490;
}
