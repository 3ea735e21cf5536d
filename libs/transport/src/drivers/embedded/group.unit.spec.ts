import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { share } from './group.js';

describe('sharing partitions', () => {
  it('gives each to one member, evenly, and takes no more than it must', () => {
    const owned = fc
      .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 6 }), fc.infiniteStream(fc.nat()))
      .map(([count, members, random]) => {
        const all: number[][] = Array.from({ length: members }, () => []);
        for (let p = 0; p < count; p++) {
          const member = Number(random.next().value) % (members + 1);
          // the last one: nobody has it
          all[member]?.push(p);
        }
        return { count, all };
      });
    fc.assert(
      fc.property(owned, ({ count, all }) => {
        const shares = share(count, all);
        expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        const sizes = shares.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const most = Math.ceil(count / all.length);
        for (const [i, before] of all.entries()) {
          const kept = shares[i]!.filter((p) => before.includes(p)).length;
          expect(kept).toBeGreaterThanOrEqual(Math.min(before.length, Math.floor(count / all.length)));
          expect(kept).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  it('is nothing without members', () => {
    expect(share(4, [])).toEqual([]);
  });
});
