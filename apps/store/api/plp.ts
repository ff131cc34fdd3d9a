import { type RequestTarget, Resource } from 'zerohop';
import { type Listing, readListing } from '../shop/catalogue.ts';

/** GET /Plp/c-01?sort=rating|price|-price|name&page=1: up to 50 products of a category. */
export class Plp extends Resource {
  static override cacheable = true;
  static override description =
    'Up to 50 products of a category with rating, price and stock: /Plp/<category>?sort=rating|price|-price|name&page=1';

  static override get(target: RequestTarget): Promise<Listing> {
    return readListing(String(target.id), { sort: target.get('sort'), page: target.get('page'), pageSize: 50 });
  }
}
