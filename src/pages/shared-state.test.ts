import { describe, expect, test } from 'bun:test';
import { limits } from '../base/index.ts';
import { SharedState } from './shared-state.ts';

const twoThreads = () => {
  const buffer = new SharedArrayBuffer(limits.sharedPagesBytes);
  return [new SharedState(buffer, 0), new SharedState(buffer, 1)] as const;
};
const remembered = (outcome: number) => (outcome >= 500 ? 1000 : undefined);

describe('flights', () => {
  test('one leads; the others learn how it ended', async () => {
    const [one, other] = twoThreads();
    const lead = one.tryLead('k', 0, 60_000, remembered);
    const wait = other.tryLead('k', 0, 60_000, remembered);
    expect([lead.kind, wait.kind]).toEqual(['lead', 'wait']);
    if (lead.kind === 'lead') one.end(lead.slot, 7, 0);
    expect(wait.kind === 'wait' && (await wait.outcome)).toBe(7);
  });

  test('a failure is known for a while, and until it is forgotten', () => {
    const [one, other] = twoThreads();
    const lead = one.tryLead('k', 0, 60_000, remembered);
    if (lead.kind === 'lead') one.end(lead.slot, 503, 5000);
    expect(other.tryLead('k', 5999, 60_000, remembered)).toEqual({ kind: 'known', outcome: 503 });
    one.forget('k');
    expect(other.tryLead('k', 5999, 60_000, remembered).kind).toBe('lead');
  });

  test('who does not come back loses the lead at its deadline, to one', () => {
    const [one, other] = twoThreads();
    one.tryLead('k', 1000, 100, remembered);
    expect(other.tryLead('k', 1099, 100, remembered).kind).toBe('wait');
    expect(other.tryLead('k', 1101, 100, remembered).kind).toBe('lead');
    expect(one.tryLead('k', 1102, 100, remembered).kind).toBe('wait');
  });
});

test('places at an origin are counted over all threads, and a thread that starts anew has none', () => {
  const buffer = new SharedArrayBuffer(limits.sharedPagesBytes);
  const [one, other] = [new SharedState(buffer, 0), new SharedState(buffer, 1)];
  expect([one.enter(0, 2), other.enter(0, 2), one.enter(0, 2), other.enter(1, 2)]).toEqual([true, true, false, true]);
  other.leave(0);
  expect(one.enter(0, 2)).toBe(true);
  new SharedState(buffer, 0);
  expect(other.underWay(0)).toBe(0);
  // What its predecessor still had under way ends.
  one.leave(0);
  expect(other.underWay(0)).toBe(0);
});

test('the gate closes after failures in a row, lets one probe through, and opens again', () => {
  const [one, other] = twoThreads();
  const fail = (at: number) => one.failed(0, 1, 3, 100, at);
  fail(0);
  fail(0);
  one.succeeded(0);
  fail(0);
  fail(0);
  expect(one.gate(0, 0, 50)).toBe('open');
  fail(1000);
  expect([other.gate(0, 1099, 50), other.isClosed(0)]).toEqual(['closed', true]);
  expect([other.gate(0, 1100, 50), one.gate(0, 1100, 50)]).toEqual(['probe', 'closed']);
  // The probe fails: twice as long.
  fail(1110);
  expect([one.gate(0, 1309, 50), one.gate(0, 1310, 50)]).toEqual(['closed', 'probe']);
  // That probe never comes back: another may try.
  expect([other.gate(0, 1359, 50), other.gate(0, 1361, 50)]).toEqual(['closed', 'probe']);
  other.succeeded(0);
  expect([one.gate(0, 1362, 50), one.isClosed(0)]).toEqual(['open', false]);
});
