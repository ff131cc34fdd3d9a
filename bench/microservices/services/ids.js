// `?ids=p-0001,p-0002`: many records in one call.

export const idsQuery = { type: 'object', properties: { ids: { type: 'string' } }, required: ['ids'] };

/** @param {{ query: { ids: string } }} request @returns {string[]} */
export function idsOf({ query }) {
  return query.ids === '' ? [] : query.ids.split(',');
}
