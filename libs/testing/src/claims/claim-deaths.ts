import { describe, expect, it } from '@jest/globals';
import type { ClaimStore } from '#idempotency';
import { freshKey, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** Owners that die of an intent whose record is in its claim alone. */
export const claimDeaths = ({ bed, claimant, leasesOver }: ClaimSuite): void => {
  const kept = async (store: ClaimStore) => {
    const a = claimant(store, freshKey());
    await a.claim();
    await a.keep();
    return a;
  };

  describe('the deaths of owners', () => {
    it('are counted from the hand-over on, each once', async () => {
      const store = await bed().open();
      const key = freshKey();
      await claimant(store, key).claim();
      await leasesOver();
      const holder = claimant(store, key);
      expect(await holder.claim()).not.toHaveProperty('deaths');
      await holder.keep();
      for (const deaths of [1, 2, 3]) {
        await leasesOver();
        const next = claimant(store, key);
        expect(await next.claim()).toMatchObject({ kind: 'taken_over', deaths });
        expect(await next.claim()).toMatchObject({ kind: 'taken_over', deaths });
        expect(await viewOf(store, key)).toMatchObject({ deaths });
      }
    });

    it('are none where an owner handed it back, unless it is known to be dead', async () => {
      const store = await bed().open();
      const a = await kept(store);
      await a.handBack();
      const b = claimant(store, a.key);
      expect(await b.claim()).not.toHaveProperty('deaths');
      await b.handBack(true);
      await b.handBack(true);
      expect(await claimant(store, a.key).claim()).toMatchObject({ deaths: 1 });
    });

    it('are none where an attempt ended and another is to come', async () => {
      const store = await bed().open();
      const a = await kept(store);
      await leasesOver();
      const b = claimant(store, a.key);
      expect(await b.claim()).toMatchObject({ deaths: 1 });
      expect(await b.defer({ attempts: 1, notBefore: 0, handOver: true })).toBe('deferred');
      await leasesOver();
      expect(await claimant(store, a.key).claim()).not.toHaveProperty('deaths');
      expect(await viewOf(store, a.key)).not.toHaveProperty('deaths');
    });
  });
};
