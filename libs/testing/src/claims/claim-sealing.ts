import { describe, expect, it } from '@jest/globals';
import { cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** A Commander that wants an intent never to run, against a dispatcher that is about to run it. */
export const claimSealing = ({ bed, claimant, timing, leasesOver }: ClaimSuite): void => {
  const { retentionMs, marginMs } = timing;

  describe('seal', () => {
    it('makes a claim where there is none, and nobody runs it', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      const now = await store.now();
      expect(await store.seal(key, a.digest, cancelled(), retentionMs)).toEqual({ kind: 'sealed' });
      const view = (await viewOf(store, key))!;
      expect(view).toMatchObject({ token: '', digest: a.digest, started: false, outcome: cancelled() });
      expect(view.expiresAt).toBeGreaterThanOrEqual(now + retentionMs);
      expect(view.expiresAt).toBeLessThanOrEqual(now + retentionMs + marginMs);
      expect(await a.claim()).toEqual({ kind: 'recorded', outcome: cancelled() });
      expect(await a.start()).not.toBe('started');
    });

    it('stops a holder that has not started', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      expect(await store.seal(key, a.digest, cancelled(), retentionMs)).toEqual({ kind: 'sealed' });
      expect((await viewOf(store, key))!.token).toBe('');
      expect(await a.start()).toBe('cancelled');
      expect(await a.renew()).toBe('cancelled');
      expect(await a.defer()).toBe('cancelled');
      expect(await a.record(succeeded('too late'))).toEqual({ kind: 'superseded', outcome: cancelled() });
      expect(await claimant(store, key).claim()).toEqual({ kind: 'recorded', outcome: cancelled() });
      expect((await viewOf(store, key))!.outcome).toEqual(cancelled());
    });

    it.each(['handed back', 'deferred', 'run out'] as const)(
      'stops what waits without an owner (%s)',
      async (how) => {
        const store = await bed().open();
        const key = freshKey();
        const a = claimant(store, key);
        await a.claim();
        if (how === 'handed back') await a.handBack();
        if (how === 'deferred') {
          await a.start();
          await a.defer({ handOver: true, notBefore: (await store.now()) + 1_000, record: '{}' });
        }
        if (how === 'run out') await leasesOver();
        expect(await store.seal(key, a.digest, cancelled(), retentionMs)).toEqual({ kind: 'sealed' });
        expect(await claimant(store, key).claim()).toEqual({ kind: 'recorded', outcome: cancelled() });
      },
    );

    it('signals the owner of what has started, and lets it end', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.start();
      const { leaseUntil } = (await viewOf(store, key))!;
      expect(await store.seal(key, a.digest, cancelled(), retentionMs)).toEqual({
        kind: 'started',
        leaseUntil,
      });
      expect(await viewOf(store, key)).toMatchObject({
        token: a.token,
        started: true,
        cancelRequested: true,
      });
      expect((await viewOf(store, key))!.outcome).toBeUndefined();
      expect(await a.renew()).toBe('cancelled');
      expect(await a.record(succeeded('done all the same'))).toEqual({ kind: 'recorded' });
      expect(await store.seal(key, a.digest, cancelled(), retentionMs)).toEqual({
        kind: 'recorded',
        outcome: succeeded('done all the same'),
      });
    });

    it('leaves a signalled owner in possession while it renews', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.start();
      await store.seal(key, a.digest, cancelled(), retentionMs);
      await bed().advance(timing.leaseMs * 0.75);
      expect(await a.renew()).toBe('cancelled');
      await bed().advance(timing.leaseMs * 0.5);
      expect((await claimant(store, key).claim()).kind).toBe('held');
    });

    it('stops a signalled owner that said that nothing was done', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await a.start();
      await store.seal(a.key, a.digest, cancelled(), retentionMs);
      expect(await a.defer()).toBe('cancelled');
    });

    it('says started of a dead owner too: it may have been done', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.start();
      await leasesOver();
      expect((await store.seal(key, a.digest, cancelled(), retentionMs)).kind).toBe('started');
      expect(await claimant(store, key).claim()).toMatchObject({
        kind: 'taken_over',
        started: true,
        cancelRequested: true,
      });
    });

    it('answers with what had ended before', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.record(succeeded(1));
      expect(await store.seal(key, a.digest, cancelled(), retentionMs)).toEqual({
        kind: 'recorded',
        outcome: succeeded(1),
      });
    });
  });
};
