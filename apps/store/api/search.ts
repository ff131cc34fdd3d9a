import { type RequestTarget, Resource } from 'zerohop';
import { type Found, search } from '../shop/catalogue.ts';

/** GET /Search/?q=oak+table: products by the words in their name, brand and description. */
export class Search extends Resource {
  static override cacheable = true;
  static override description = 'Full-text search over name, brand and description: /Search/?q=words';

  static override get(target: RequestTarget): Promise<Found> {
    return search(target.get('q') ?? '');
  }
}
