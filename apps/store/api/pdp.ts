import { type RequestTarget, Resource } from 'zerohop';
import { type Details, readDetails } from '../shop/catalogue.ts';

/** GET /Pdp/p-0001: a product with its inventory, pricing, reviews and related products. */
export class Pdp extends Resource {
  static override cacheable = true;
  static override description = 'A product with its inventory, pricing, reviews and related products: /Pdp/<product>';

  static override get(target: RequestTarget): Promise<Details> {
    return readDetails(String(target.id));
  }
}
