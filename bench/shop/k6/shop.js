// The nine scenarios for k6:  k6 run -e URL=http://127.0.0.1:9926 -e PAGE=PDP -e USERS=200 [-e THINK=0] shop.js
//
// PAGE is Home, PLP or PDP. THINK is the time between an answer and the next request, in seconds; 1 unless it is given, 0 saturates.

import { check, sleep } from 'k6';
import http from 'k6/http';

const { URL = 'http://127.0.0.1:9926', PAGE = 'Home', USERS = '20', THINK = '1', DURATION = '30s' } = __ENV;

export const options = {
  scenarios: { shop: { executor: 'constant-vus', vus: Number(USERS), duration: DURATION } },
  summaryTrendStats: ['med', 'p(90)', 'p(95)', 'p(99)', 'max'],
  thresholds: { checks: ['rate==1'] },
};

const numbered = (prefix, count, digits) =>
  Array.from({ length: count }, (_, at) => `${prefix}-${String(at + 1).padStart(digits, '0')}`);
const paths = {
  Home: ['/Home/'],
  PLP: numbered('c', 40, 2).flatMap((id) =>
    ['rating', 'price', '-price', 'name'].map((sort) => `/Plp/${id}?sort=${sort}`),
  ),
  PDP: numbered('p', 1200, 4).map((id) => `/Pdp/${id}`),
}[PAGE];

export default function visit() {
  const path = paths[Math.floor(Math.random() * paths.length)];
  const answer = http.get(URL + path, { headers: { Accept: 'application/json' }, tags: { name: PAGE } });
  check(answer, { 'is 200': ({ status }) => status === 200 });
  sleep(Number(THINK));
}
