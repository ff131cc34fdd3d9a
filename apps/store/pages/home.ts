import { Resource } from 'zerohop';
import { type Home, readHome } from '../shop/catalogue.ts';
import { formatMoney } from '../shop/money.ts';
import { type Html, html } from './html.ts';
import { anchorOf, departmentsOf, type Page, respondOr } from './layout.ts';
import { grid, picture, pictureUrl, stars } from './parts.ts';

/** GET /: the front door. */
export class HomePage extends Resource {
  static override cacheable = true;
  static override path = '/';
  static override hidden = true;

  static override get(): Promise<Response> {
    return respondOr(async () => homePage(await readHome()));
  }
}

function homePage({ categories, hero, featured, reduced }: Home): Page {
  return {
    title: '',
    description:
      'Larkmoor sells 1,200 well-made things for the kitchen, the home, the desk, the wardrobe and the garden.',
    main: html`${hero && heroOf(hero)}
<section class="section" aria-labelledby="departments">
  <h2 id="departments">Every room, and outdoors</h2>
  <div class="departments">${departmentsOf(categories).map(
    ([name, list]) => html`<article class="department" id="${anchorOf(name)}">
    <div class="department-pictures">${list.slice(0, 3).map((each) => picture(each.picture, ''))}</div>
    <h3>${name}</h3>
    <ul>${list.map(({ id, name: category }) => html`<li><a href="/c/${id}">${category}</a></li>`)}</ul>
  </article>`,
  )}</div>
</section>
<section class="section" aria-labelledby="featured">
  <h2 id="featured">Picked by the people who pack them</h2>
  ${grid(featured)}
</section>
${
  reduced.length > 0 &&
  html`<section class="section section-tinted" aria-labelledby="reduced">
  <h2 id="reduced">Reduced, while they last</h2>
  ${grid(reduced)}
</section>`
}`,
  };
}

function heroOf(hero: NonNullable<Home['hero']>): Html {
  return html`<section class="hero" aria-labelledby="hero">
  <div class="hero-words">
    <p class="eyebrow">This month’s favourite</p>
    <h1 id="hero">${hero.name}</h1>
    <p class="lead">${hero.description}</p>
    <p class="hero-rating">${stars(hero.rating)} <span class="count">${hero.ratingCount} reviews</span></p>
    <p><a class="button" href="/p/${hero.id}">See it for ${formatMoney(hero.price, hero.currency)}</a></p>
  </div>
  <a class="hero-picture" href="/p/${hero.id}" tabindex="-1" aria-hidden="true"><img src="${pictureUrl(hero.picture, 3)}" alt="" width="800" height="800" fetchpriority="high"></a>
</section>`;
}
