import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DEFAULT_RETRY } from '#contracts';
import { backoffMs } from './backoff.js';

it('doubles from 200 ms to 10 s', () => {
  expect([1, 2, 3, 6, 7, 20].map((attempt) => backoffMs(DEFAULT_RETRY, attempt, 0.5))).toEqual([
    200, 400, 800, 6_400, 10_000, 10_000,
  ]);
});

it('is spread by half of it, both ways', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const middle = backoffMs(DEFAULT_RETRY, attempt, 0.5);
        const ms = backoffMs(DEFAULT_RETRY, attempt, random);
        expect(ms).toBeGreaterThanOrEqual(Math.floor(middle / 2));
        expect(ms).toBeLessThanOrEqual(Math.ceil(middle * 1.5));
      },
    ),
  );
});
