// `render` of a site in config.yaml: which of its pages a browser renders before they are stored, and how.

import { countOf, durationOf, fieldsOf, flagOf, listOf, matcherOf, oneOf, textOf, wrong } from './settings-fields.ts';
import type { RenderSettings } from './types.ts';

const fieldNames = [
  'engine',
  'match',
  'scripts',
  'timeout',
  'concurrency',
  'executable',
  'allow',
  'assets',
  'base',
  'fallbackTtl',
];

export function readRender(value: unknown, place: string): RenderSettings {
  const fields = fieldsOf(value, place, fieldNames);
  oneOf(fields, 'engine', place, ['chromium']);
  return {
    matches: matchesOf(fields, place),
    scripts: oneOf(fields, 'scripts', place, ['strip', 'keep']) ?? 'strip',
    timeoutMs: durationOf(fields, 'timeout', place) ?? 15_000,
    concurrency: countOf(fields, 'concurrency', place) ?? 2,
    executable: textOf(fields, 'executable', place),
    allow: allowOf(fields, place),
    assets: flagOf(fields, 'assets', place) ?? false,
    base: baseOf(fields, place),
    fallbackTtlMs: durationOf(fields, 'fallbackTtl', place) ?? 60_000,
  };
}

function matchesOf(fields: ReturnType<typeof fieldsOf>, place: string): RenderSettings['matches'] {
  const given = typeof fields.match === 'string' ? [fields.match] : listOf(fields, 'match', place);
  if (!given || given.length === 0 || !given.every((match) => match.startsWith('/')))
    throw wrong(`${place}.match`, 'must be a path or pattern such as /product/**, or a list of them');
  const matchers = given.map(matcherOf);
  return (path) => matchers.some((matches) => matches(path));
}

function allowOf(fields: ReturnType<typeof fieldsOf>, place: string): readonly string[] {
  const allow = (listOf(fields, 'allow', place) ?? []).map((host) => host.toLowerCase());
  for (const host of allow)
    if (URL.parse(`http://${host}/`)?.href !== `http://${host.replace(/:80$/, '')}/`)
      throw wrong(`${place}.allow`, `must have hosts such as api.example.com, not ${JSON.stringify(host)}`);
  return allow;
}

function baseOf(fields: ReturnType<typeof fieldsOf>, place: string): string | undefined {
  const text = textOf(fields, 'base', place);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw wrong(`${place}.base`, 'must be an address without a path, such as https://shop.example.com');
  return url.origin;
}
