import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sharePartitions } from './partition-share.js';

const claim = (member: string, partitions: number[], generation = 1) => ({ member, generation, partitions });
const share = (count: number, ...claims: ReturnType<typeof claim>[]) =>
  Object.fromEntries(
    sharePartitions(
      Array.from({ length: count }, (_, partition) => partition),
      claims,
    ),
  );

describe('sharing the partitions of a topic', () => {
  it('gives one member all, and a second half of them', () => {
    expect(share(4, claim('a', []))).toEqual({ a: [0, 1, 2, 3] });
    expect(share(4, claim('a', [0, 1, 2, 3]), claim('b', []))).toEqual({ a: [0, 1], b: [2, 3] });
  });

  it('moves nothing that need not move when a member leaves', () => {
    expect(share(6, claim('a', [1, 4]), claim('c', [2, 5]))).toEqual({ a: [1, 4, 0], c: [2, 5, 3] });
  });

  it('believes the later generation when two claim one partition', () => {
    expect(share(2, claim('a', [0, 1], 4), claim('b', [1], 5))).toEqual({ a: [0], b: [1] });
    expect(share(2, claim('a', [0], 6), claim('b', [0], 5))).toEqual({ a: [0], b: [1] });
  });

  it('leaves members without any when there are more of them than partitions', () => {
    const shares = share(1, claim('a', []), claim('b', [0]), claim('c', []));
    expect(shares).toEqual({ a: [], b: [0], c: [] });
  });

  it('is even, complete, without doubles, and the same for any order of the claims', () => {
    const anyClaims = fc.uniqueArray(
      fc.record({
        member: fc.string({ minLength: 1, maxLength: 3 }),
        generation: fc.nat({ max: 3 }),
        partitions: fc.uniqueArray(fc.nat({ max: 20 })),
      }),
      { selector: (one) => one.member, minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.nat({ max: 17 }), anyClaims, (count, claims) => {
        const all = Array.from({ length: count }, (_, partition) => partition);
        const shares = sharePartitions(all, claims);
        const sizes = [...shares.values()].map((partitions) => partitions.length);
        expect(shares.size).toBe(claims.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect([...shares.values()].flat().sort((a, b) => a - b)).toEqual(all);
        expect(sharePartitions(all, [...claims].reverse())).toEqual(shares);
      }),
    );
  });
});
