import { describe, expect, test } from 'bun:test';
import { composeAtOnce, composeSteps, type HttpStep, orderSteps } from './chain.ts';
import { HttpRequest } from './http-request.ts';

const handle: HttpStep['handle'] = (request, next) => next(request);
const fixed: readonly HttpStep[] = ['authentication', 'rest'].map((name) => ({ name, handle }));

describe('orderSteps', () => {
  const cases: readonly (readonly [string, readonly Omit<HttpStep, 'handle'>[], string])[] = [
    ['none', [], 'authentication rest'],
    ['before the last by default, in order', [{ name: 'a' }, { name: 'b' }], 'authentication a b rest'],
    ['before a name', [{ name: 'a', before: 'authentication' }], 'a authentication rest'],
    [
      'after a name, in order',
      [
        { name: 'a', after: 'rest' },
        { name: 'b', after: 'rest' },
      ],
      'authentication rest a b',
    ],
    ['last', [{ name: 'a', before: false }, { name: 'b' }], 'authentication b rest a'],
    [
      'first, in order',
      [
        { name: 'a', runFirst: true },
        { name: 'b', runFirst: true },
      ],
      'a b authentication rest',
    ],
    [
      'one that is added later',
      [
        { name: 'a', after: 'b' },
        { name: 'b', before: 'authentication' },
      ],
      'b a authentication rest',
    ],
  ];
  for (const [name, added, expected] of cases) {
    test(name, () => {
      const steps = orderSteps(
        fixed,
        added.map((step) => ({ ...step, handle })),
      );
      expect(steps.map((step) => step.name).join(' ')).toBe(expected);
    });
  }
  test('a name that is not there is refused, with those that are', () => {
    expect(() => orderSteps(fixed, [{ name: 'a', before: 'auth', handle }])).toThrow(/"auth".*authentication, rest/);
    expect(() =>
      orderSteps(fixed, [
        { name: 'a', after: 'b', handle },
        { name: 'b', after: 'a', handle },
      ]),
    ).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });
});

test('steps run in order, may change what comes back, and may answer themselves', async () => {
  const seen: string[] = [];
  const step = (name: string): HttpStep => ({
    handle: async (request, next) => {
      seen.push(`${name} in`);
      const response = await next(request);
      seen.push(`${name} out`);
      return response;
    },
  });
  const run = composeSteps([step('a'), step('b')], () => new Response('end'));
  const request = new HttpRequest(new Request('http://x/'), '/', undefined, () => null);
  expect(await (await run(request)).text()).toBe('end');
  expect(seen).toEqual(['a in', 'b in', 'b out', 'a out']);
});

describe('steps asked at once', () => {
  const answers: Readonly<Record<string, HttpStep['atOnce']>> = {
    answers: () => new Response('at once'),
    passes: () => 'pass',
    'wants the whole request': () => undefined,
    'has no such function': undefined,
  };
  const cases: readonly (readonly [readonly string[], 'answer' | 'no answer'])[] = [
    [['answers'], 'answer'],
    [['passes', 'passes', 'answers'], 'answer'],
    [['passes', 'wants the whole request', 'answers'], 'no answer'],
    [['has no such function', 'answers'], 'no answer'],
    [['passes', 'has no such function', 'answers'], 'no answer'],
    [['passes'], 'no answer'],
    [[], 'no answer'],
  ];
  for (const [names, expected] of cases) {
    test(`${names.join(', then one that ')} → ${expected}`, () => {
      const steps = names.map(
        (name): HttpStep => ({ handle: (request, next) => next(request), atOnce: answers[name] }),
      );
      const answer = composeAtOnce(steps)?.(new Request('http://x/'), '/', { route: undefined, user: null });
      expect(answer instanceof Response ? 'answer' : 'no answer').toBe(expected);
    });
  }
});
