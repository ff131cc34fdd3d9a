import { Resource } from 'zerohop';
import { type Home as HomeData, readHome } from '../shop/catalogue.ts';

/** GET /Home/: all categories, a hero product, recommended and reduced ones. */
export class Home extends Resource {
  static override cacheable = true;
  static override description =
    'Everything the home page shows: categories, a hero product, recommended and reduced products.';

  static override get(): Promise<HomeData> {
    return readHome();
  }
}
