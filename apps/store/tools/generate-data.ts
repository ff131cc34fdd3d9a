// Writes apps/store/data/*.json, the shop's first stock. The same seed always gives the same files:
//
//   node bin/run-bun.js apps/store/tools/generate-data.ts [FOLDER]

import { join } from 'node:path';
import { en, Faker } from '@faker-js/faker';
import { colours } from '../pictures/paint.ts';
import { type CategoryWords, departments, opinions, ranges } from './catalogue.ts';

const folder = process.argv[2] ?? join(import.meta.dirname, '../data');
const productsPerCategory = 30;
/** The day the data is "today": fixed, so that the files are too. */
const today = Date.UTC(2026, 8, 1);
const dayMs = 86_400_000;

const faker = new Faker({ locale: [en], seed: 20260901 });
const colourNames = Object.keys(colours);
const showy = new Set(['terracotta', 'forest', 'ocean', 'mustard', 'plum', 'sage', 'blush']);

interface Product {
  id: string;
  category: string;
  rating: number;
  ratingCount: number;
  featured?: number;
  [attribute: string]: unknown;
}

interface Review {
  id: string;
  product: string;
  author: string;
  stars: number;
  title: string;
  text: string;
  verified: boolean;
  writtenAt: number;
}

const categories: object[] = [];
const products: Product[] = [];
const inventory: { id: string; quantity: number; warehouse: string }[] = [];
const pricing: object[] = [];
const reviews: Review[] = [];

for (const department of departments) {
  for (const words of department.categories) addCategory(department.name, department.brands, words);
}
feature();
await write('categories', 'Category', categories);
await write('products', 'Product', products);
await write('inventory', 'Inventory', inventory);
await write('pricing', 'Pricing', pricing);
await write('reviews', 'Review', reviews);

function addCategory(department: string, brands: readonly string[], words: CategoryWords): void {
  const id = `c-${String(categories.length + 1).padStart(2, '0')}`;
  const names = faker.helpers.shuffle([...ranges]);
  let picture = '';
  for (let at = 0; at < productsPerCategory; at++) {
    const colour = colourNames[(at * 4 + categories.length * 7) % colourNames.length] ?? 'oat';
    const look = `${words.drawing}/${colour}-${faker.number.int({ min: 1, max: 999 })}`;
    if (at === 2) picture = look;
    addProduct(id, names[at] ?? 'Alder', colour, look, brands, words);
  }
  categories.push({
    id,
    name: words.name,
    department,
    description: words.blurb,
    picture,
    position: categories.length + 1,
    productCount: productsPerCategory,
  });
}

function addProduct(
  category: string,
  range: string,
  colour: string,
  picture: string,
  brands: readonly string[],
  words: CategoryWords,
): void {
  const id = `p-${String(products.length + 1).padStart(4, '0')}`;
  const noun = faker.helpers.arrayElement(words.nouns);
  const material = faker.helpers.arrayElement(words.materials);
  const brand = faker.helpers.arrayElement(brands);
  const { cents, listCents } = prices(words.price);
  const stars = addReviews(id, noun);
  const facts = Object.entries(words.facts).map(
    ([name, values]) => [name, faker.helpers.arrayElement(values)] as const,
  );
  const [first, second] = faker.helpers.arrayElements(words.details, 2);
  products.push({
    id,
    name: `${range} ${noun}`,
    brand,
    category,
    description: `${opening(range, noun, material)} Made for ${faker.helpers.arrayElement(words.uses)}. ${first} ${second}`,
    colour,
    attributes: { Material: capital(material), Colour: capital(colour), ...Object.fromEntries(facts) },
    picture,
    price: cents,
    rating: Math.round((stars.reduce((sum, value) => sum + value, 0) / stars.length) * 100) / 100,
    ratingCount: stars.length,
    addedAt: today - faker.number.int({ min: 10, max: 700 }) * dayMs,
  });
  pricing.push({ id, currency: 'USD', cents, listCents, discountPercent: Math.round((1 - cents / listCents) * 100) });
  inventory.push({
    id,
    quantity: stock(),
    warehouse: faker.helpers.arrayElement(['Rotterdam', 'Leeds', 'Gdańsk', 'Lyon']),
  });
}

function opening(range: string, noun: string, material: string): string {
  const what = lower(noun);
  const one = isPlural(noun) ? `the pair to have` : `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`;
  return faker.helpers.arrayElement([
    `The ${range}: ${one} in ${material}, plain in the best way.`,
    `${capital(material)}, a quiet shape and a colour you can live with.`,
    `We have sold the ${range} for years, and nobody has asked us to change a thing. It is ${material} throughout.`,
    `A modern classic: the ${range} ${what} in ${material}.`,
  ]);
}

function isPlural(noun: string): boolean {
  return /(Boots|Trainers|Shoes|Runners|Headphones)$/.test(noun);
}

function lower(noun: string): string {
  return noun
    .replace(/^(?!T-)./, (letter) => letter.toLowerCase())
    .replace(/ (.)/g, (_, letter: string) => ` ${letter.toLowerCase()}`);
}

/** Prices end in .00, .50 or .90, as prices do; about one product in five is reduced. */
function prices([low, high]: readonly [number, number]): { cents: number; listCents: number } {
  const skewed = low + (high - low) * faker.number.float({ min: 0, max: 1 }) ** 2;
  const ending = faker.helpers.arrayElement([0, 50, 90, 90]);
  const listCents = Math.floor(skewed / 100) * 100 + ending;
  if (!faker.datatype.boolean(0.2)) return { cents: listCents, listCents };
  const reduced = listCents * (1 - faker.helpers.arrayElement([0.1, 0.15, 0.2, 0.3, 0.4]));
  return {
    cents: Math.max(
      100,
      Math.floor(reduced / 100) * 100 + 90 - (Math.floor(reduced / 100) * 100 + 90 >= listCents ? 100 : 0),
    ),
    listCents,
  };
}

function stock(): number {
  return faker.helpers.weightedArrayElement([
    { weight: 3, value: 0 },
    { weight: 10, value: faker.number.int({ min: 1, max: 5 }) },
    { weight: 87, value: faker.number.int({ min: 8, max: 140 }) },
  ]);
}

/** 3 to 12 reviews; returns their stars. */
function addReviews(product: string, noun: string): number[] {
  const liked = faker.helpers.weightedArrayElement([
    { weight: 5, value: [1, 1, 3, 10, 20] },
    { weight: 4, value: [1, 2, 6, 12, 10] },
    { weight: 1, value: [3, 5, 8, 6, 3] },
  ]);
  return Array.from({ length: faker.number.int({ min: 3, max: 12 }) }, () => {
    const stars = faker.helpers.weightedArrayElement(
      ([1, 2, 3, 4, 5] as const).map((value) => ({ weight: liked[value - 1] ?? 1, value })),
    );
    const { titles, sentences } = opinions[stars];
    reviews.push({
      id: `r-${String(reviews.length + 1).padStart(5, '0')}`,
      product,
      author: `${faker.person.firstName()} ${faker.person.lastName().charAt(0)}.`,
      stars,
      title: faker.helpers.arrayElement(titles),
      text: faker.helpers
        .arrayElements(sentences, { min: 1, max: 3 })
        .join(' ')
        .replaceAll('{noun}', isPlural(noun) ? 'pair' : lower(noun)),
      verified: faker.datatype.boolean(0.85),
      writtenAt: today - faker.number.int({ min: 1, max: 540 }) * dayMs,
    });
    return stars;
  });
}

/** The best product in stock, and in one of the brighter colours, of nine categories; that of the first opens the home page. */
function feature(): void {
  const chosen = ['c-07', 'c-02', 'c-29', 'c-14', 'c-26', 'c-21', 'c-32', 'c-17', 'c-36'];
  for (const [at, category] of chosen.entries()) {
    const best = products
      .filter(
        (product) =>
          product.category === category &&
          showy.has(String(product.colour)) &&
          (inventory.find(({ id }) => id === product.id)?.quantity ?? 0) > 20,
      )
      .sort((a, b) => b.rating * 10 + b.ratingCount - (a.rating * 10 + a.ratingCount))[0];
    if (best) best.featured = at + 1;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** One record a line, so that a change shows as a line. */
async function write(file: string, table: string, records: readonly object[]): Promise<void> {
  const lines = records.map((record) => `    ${JSON.stringify(record)}`).join(',\n');
  await Bun.write(join(folder, `${file}.json`), `{\n  "table": "${table}",\n  "records": [\n${lines}\n  ]\n}\n`);
}
