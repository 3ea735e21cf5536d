import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DURATION_BOUNDS, Histogram, Histograms, LIFETIME_BOUNDS } from './histogram.js';

describe('a histogram', () => {
  it.each([[DURATION_BOUNDS], [LIFETIME_BOUNDS]])('has ascending bounds', (bounds) => {
    expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
  });

  it('puts a value that is a bound below it', () => {
    const histogram = new Histogram([1, 2, 4]);
    for (const value of [0, 1, 1.5, 2, 4, 5]) histogram.observe(value);
    expect(histogram.cumulative()).toEqual([2, 4, 5]);
    expect(histogram).toMatchObject({ count: 6, sum: 13.5 });
  });

  it('counts, for each bound, the values at or below it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 3_000, noNaN: true })), (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.observe(value);
        expect(histogram.cumulative()).toEqual(
          DURATION_BOUNDS.map((bound) => values.filter((value) => value <= bound).length),
        );
        expect(histogram.count).toBe(values.length);
      }),
    );
  });
});

it('keeps the values of each label apart', () => {
  const histograms = new Histograms([1]);
  histograms.observe('a', 0.5);
  histograms.observe('a', 2);
  histograms.observe('b', 1);
  const read = Array.from(histograms.entries(), ([label, h]) => [label, h.cumulative(), h.count]);
  expect(read).toEqual([
    ['a', [1], 2],
    ['b', [1], 1],
  ]);
});
