import { expect, test } from 'bun:test';
import { WarmPace } from './warm-pace.ts';

/** A clock that moves when somebody waits. */
function startPace(perSecond: number) {
  let nowMs = 1_000_000;
  const began = nowMs;
  const pace = new WarmPace({
    perSecond,
    now: () => nowMs,
    wait: async (ms) => {
      nowMs += ms;
    },
    wake: () => {},
  });
  return { pace, passedMs: () => nowMs - began };
}

const always = () => true;
const gone = { extent: 'gone', why: 'connection refused', retryAfterMs: undefined } as const;

test('so many in a second', async () => {
  const { pace, passedMs } = startPace(20);
  for (let request = 0; request < 100; request++) expect(await pace.clearance(always)).toBe(true);
  expect(passedMs()).toBeGreaterThan(4_800);
  expect(passedMs()).toBeLessThan(5_050);
});

test('pauses double, up to a minute, and end with the first success', async () => {
  const { pace, passedMs } = startPace(1_000);
  const pauses: number[] = [];
  for (let time = 0; time < 8; time++) {
    pace.failed(gone);
    const before = passedMs();
    await pace.clearance(always);
    pauses.push(Math.round((passedMs() - before) / 1000));
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  pace.succeeded();
  expect(pace.paused).toBeUndefined();
  pace.failed(gone);
  const before = passedMs();
  await pace.clearance(always);
  expect(passedMs() - before).toBeLessThan(1_100);
});

test('those that were under way when it began to err count once', () => {
  const { pace } = startPace(10);
  pace.failed(gone);
  const { untilMs } = pace.paused ?? { untilMs: 0 };
  for (let time = 0; time < 16; time++) pace.failed(gone);
  expect(pace.paused?.untilMs).toBe(untilMs);
});

test('one request looks whether the origin is back; the others wait for it', async () => {
  const { pace } = startPace(10);
  pace.failed(gone);
  expect(await pace.clearance(always)).toBe(true);
  let isThrough = false;
  const other = pace.clearance(() => {
    isThrough = true;
    return true;
  });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  expect(isThrough).toBe(false);
  pace.succeeded();
  expect(await other).toBe(true);
});

test('a page that errs is no reason to pause; three in a row are', () => {
  const { pace } = startPace(10);
  const broken = { extent: 'page', why: 'it answers 500', retryAfterMs: undefined } as const;
  for (let page = 0; page < 10; page++) {
    pace.failed(broken);
    pace.succeeded();
  }
  pace.failed(broken);
  pace.failed(broken);
  expect(pace.paused).toBeUndefined();
  pace.failed(broken);
  expect(pace.paused?.why).toBe('it answers 500');
});

test('the origin is given the time it asks for', () => {
  const { pace } = startPace(10);
  pace.failed({ extent: 'busy', why: 'it answers 503', retryAfterMs: 120_000 });
  expect(pace.paused?.untilMs).toBe(1_120_000);
});

test('an origin with much to do is not asked; who ends it is heard', async () => {
  const { pace } = startPace(10);
  let looks = 0;
  const asked = pace.clearance(() => {
    if (++looks === 3) pace.end();
    return false;
  });
  expect(await asked).toBe(false);
});
