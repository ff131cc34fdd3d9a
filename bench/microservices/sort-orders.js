// What a visitor may ask of a listing, checked where they ask it.

export const sortOrders = /** @type {const} */ (['rating', 'price', '-price', 'name']);
const maxPage = 200;
export const pageSize = 50;

/** Something the visitor asked for that can't be had; the status is the answer's. */
export class Refusal extends Error {
  /** @param {number} statusCode @param {string} message */
  constructor(statusCode, message) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** @param {unknown} text @returns {typeof sortOrders[number]} */
export function parseSort(text) {
  if (text === undefined || text === '') return 'rating';
  const found = sortOrders.find((order) => order === text);
  if (found) return found;
  throw new Refusal(400, `sort can be ${sortOrders.join(', ')}; it was ${text}.`);
}

/** @param {unknown} text @returns {number} */
export function parsePage(text) {
  const page = text === undefined || text === '' ? 1 : Number(text);
  if (Number.isInteger(page) && page >= 1 && page <= maxPage) return page;
  throw new Refusal(400, `page is a whole number from 1 to ${maxPage}; it was ${text}.`);
}
