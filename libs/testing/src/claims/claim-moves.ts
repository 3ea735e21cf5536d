import { describe, expect, it } from '@jest/globals';
import { RECORD_VERSION } from '#contracts';
import { OTHER_DIGEST, cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** How a claim is got, started and held, by somebody who is alone or comes first. */
export const claimMoves = ({ bed, claimant, timing, leasesOver }: ClaimSuite): void => {
  const { leaseMs, marginMs, retentionMs } = timing;
  const near = (at: number, expected: number) => {
    expect(at).toBeGreaterThanOrEqual(expected - marginMs);
    expect(at).toBeLessThanOrEqual(expected + marginMs);
  };

  describe('claim', () => {
    it('gives what nobody had, with a lease by the clock of the store', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      const now = await store.now();
      expect(await a.claim()).toEqual({ kind: 'claimed' });
      const view = (await viewOf(store, key))!;
      expect(view).toMatchObject({
        v: RECORD_VERSION,
        digest: a.digest,
        token: a.token,
        started: false,
        attempts: 0,
        notBefore: 0,
        cancelRequested: false,
      });
      near(view.leaseUntil, now + leaseMs);
      expect(view.outcome).toBeUndefined();
      expect(view.record).toBeUndefined();
      expect(view.expiresAt).toBeUndefined();
    });

    it('tells others until when it is held', async () => {
      const store = await bed().open();
      const key = freshKey();
      await claimant(store, key).claim();
      const { leaseUntil } = (await viewOf(store, key))!;
      expect(await claimant(store, key).claim()).toEqual({ kind: 'held', leaseUntil });
    });

    it('takes over when the lease has run out', async () => {
      const store = await bed().open();
      const key = freshKey();
      const [a, b] = [claimant(store, key), claimant(store, key)];
      await a.claim();
      await leasesOver();
      const now = await store.now();
      expect(await b.claim()).toEqual({
        kind: 'taken_over',
        started: false,
        attempts: 0,
        notBefore: 0,
        cancelRequested: false,
      });
      const view = (await viewOf(store, key))!;
      expect(view.token).toBe(b.token);
      near(view.leaseUntil, now + leaseMs);
    });

    it('hands what the earlier owner left to the next', async () => {
      const store = await bed().open();
      const key = freshKey();
      const [a, b] = [claimant(store, key), claimant(store, key)];
      await a.claim();
      await a.keep('{"intent":1}');
      await a.defer({ attempts: 3, notBefore: 17 });
      await a.start();
      await store.seal(key, a.digest, cancelled(), retentionMs);
      await leasesOver();
      expect(await b.claim()).toEqual({
        kind: 'taken_over',
        started: true,
        attempts: 3,
        notBefore: 17,
        cancelRequested: true,
        deaths: 1,
      });
      expect((await viewOf(store, key))!.record).toBe('{"intent":1}');
    });

    it('knows after any number of dead owners that it was started', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.start();
      for (let owner = 0; owner < 3; owner++) {
        await leasesOver();
        expect(await claimant(store, key).claim()).toMatchObject({ kind: 'taken_over', started: true });
      }
    });

    it('answers with the outcome of what has ended', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.record(succeeded({ price: 7 }));
      expect(await claimant(store, key).claim()).toEqual({
        kind: 'recorded',
        outcome: succeeded({ price: 7 }),
      });
    });

    it.each(['held', 'dead', 'recorded'] as const)(
      'refuses other parameters under the same id (%s)',
      async (state) => {
        const store = await bed().open();
        const key = freshKey();
        const a = claimant(store, key);
        await a.claim();
        if (state === 'dead') await leasesOver();
        if (state === 'recorded') await a.record();
        const before = await viewOf(store, key);
        expect(
          await store.claim({ ...key, digest: OTHER_DIGEST, token: claimant(store, key).token, leaseMs }),
        ).toEqual({ kind: 'conflict', digest: a.digest });
        expect(await viewOf(store, key)).toEqual(before);
      },
    );
  });

  describe('start', () => {
    it('marks the claim of its holder', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      expect(await a.start()).toBe('started');
      expect((await viewOf(store, a.key))!.started).toBe(true);
    });

    it('is refused when the lease is over, though nobody came', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await leasesOver();
      expect(await a.start()).toBe('lost');
      expect((await viewOf(store, a.key))!.started).toBe(false);
    });

    it('is refused where there is no claim', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      expect(await a.start()).toBe('lost');
      expect(await viewOf(store, a.key)).toBeNull();
    });
  });

  describe('renew', () => {
    it('that meets the own outcome has lost nothing, and changes nothing', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await a.record();
      const ended = await viewOf(store, a.key);
      expect(await a.renew()).toBe('held');
      expect(await viewOf(store, a.key)).toEqual(ended);
    });

    it('makes the lease last from now', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await bed().advance(leaseMs / 2);
      const now = await store.now();
      expect(await a.renew()).toBe('held');
      near((await viewOf(store, a.key))!.leaseUntil, now + leaseMs);
    });

    it('revives a lease that has run out, when nobody came in between', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await leasesOver();
      expect(await a.renew()).toBe('held');
      expect((await claimant(store, key).claim()).kind).toBe('held');
      expect(await a.start()).toBe('started');
    });

    it('finds nothing where there is no claim', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      expect(await a.renew()).toBe('lost');
      expect(await viewOf(store, a.key)).toBeNull();
    });
  });
};
