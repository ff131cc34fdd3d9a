import { expect, test } from 'bun:test';
import { beforeSilence, Silence } from './silence.ts';

test('a silence begins with a question, and with each answer anew; a failure does not end it', () => {
  const silence = new Silence();
  expect(silence.lastsMs(50)).toBe(0);
  silence.asked(100);
  silence.asked(200);
  expect(silence.lastsMs(300)).toBe(200);
  silence.ended(true, 300);
  expect(silence.lastsMs(350)).toBe(50);
  silence.asked(400);
  silence.ended(false, 450);
  expect(silence.lastsMs(500)).toBe(200);
  silence.heard(460);
  expect(silence.lastsMs(500)).toBe(40);
  silence.ended(true, 500);
  expect(silence.lastsMs(900)).toBe(0);
  silence.asked(1000);
  expect(silence.lastsMs(1001)).toBe(1);
});

test('what comes before the silence has lasted too long is waited for', async () => {
  const never = new Promise<string>(() => {});
  expect(await beforeSilence(Promise.resolve('here'), () => 1000, 1000)).toBe('here');
  expect(await beforeSilence(never, () => 1000, 1000)).toBeUndefined();
  // Each look finds that the origin has said something meanwhile, until the fifth.
  let looks = 0;
  expect(await beforeSilence(never, () => (++looks < 5 ? 0 : 1), 1)).toBeUndefined();
  expect(looks).toBeGreaterThanOrEqual(5);
  expect(await beforeSilence(Promise.reject(new Error('broken')), () => 0, 1000).catch(String)).toBe('Error: broken');
});

test('what came while this thread was busy is heard before the silence counts', async () => {
  const silence = new Silence();
  const lastsMs = () => silence.lastsMs(Date.now());
  silence.asked(Date.now() - 1_000);
  const coming = new Promise<string>((resolve) => {
    // Of the same time as the end of the wait, and behind it.
    setTimeout(() => {
      setImmediate(() => {
        silence.ended(true, Date.now());
        resolve('page');
      });
    }, 0);
  });
  silence.asked(Date.now());
  expect(await beforeSilence(coming, lastsMs, 500)).toBe('page');
});
