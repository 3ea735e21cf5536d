import { expect, it } from '@jest/globals';
import { clockSkewMs } from './clock-skew.js';

const clock = (aheadMs: number) => ({ now: () => Promise.resolve(Date.now() + aheadMs) });

it('is how far the clocks are apart, in which direction, and nothing where they agree', async () => {
  expect(await clockSkewMs(clock(5_000))).toBeGreaterThan(4_900);
  expect(await clockSkewMs(clock(-5_000))).toBeLessThan(-4_900);
  expect(await clockSkewMs(clock(0))).toBe(0);
});

it('is not what the answer took', async () => {
  const slow = { now: () => new Promise<number>((resolve) => setTimeout(() => resolve(Date.now()), 50)) };
  expect(await clockSkewMs(slow)).toBe(0);
});
