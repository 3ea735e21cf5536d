import { describe, expect, it } from '@jest/globals';
import { cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** What is seen of claims, and how they go. */
export const claimReading = ({ bed, claimant, timing }: ClaimSuite): void => {
  const { retentionMs } = timing;

  describe('drop and forget', () => {
    it('drop deletes a claim without an outcome', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.start();
      await a.drop();
      expect(await viewOf(store, key)).toBeNull();
      expect(await claimant(store, key).claim()).toEqual({ kind: 'claimed' });
    });

    it('forget deletes whatever the claims hold, and no others', async () => {
      const store = await bed().open();
      const keys = [freshKey(), freshKey(), freshKey(), freshKey()];
      const [held, recorded, sealed, other] = keys as [
        (typeof keys)[0],
        (typeof keys)[0],
        (typeof keys)[0],
        (typeof keys)[0],
      ];
      await claimant(store, held).claim();
      const b = claimant(store, recorded);
      await b.claim();
      await b.record();
      await store.seal(sealed, b.digest, cancelled(), retentionMs);
      await claimant(store, other).claim();
      await store.forget([held, recorded, freshKey(), sealed]);
      expect((await store.read(keys)).map((view) => view !== null)).toEqual([false, false, false, true]);
      await store.forget([]);
    });
  });

  describe('read', () => {
    it('answers in the order of the keys, with null where there is no claim', async () => {
      const store = await bed().open();
      const keys = [freshKey(), freshKey(), freshKey()];
      const first = claimant(store, keys[0]!);
      const last = claimant(store, keys[2]!);
      await first.claim();
      await last.claim();
      const views = await store.read([keys[2]!, keys[1]!, keys[0]!, keys[2]!]);
      expect(views.map((view) => view?.token ?? null)).toEqual([last.token, null, first.token, last.token]);
      expect(await store.read([])).toEqual([]);
    });

    it('tells names apart that look alike', async () => {
      const store = await bed().open();
      const keys = [
        { sessionId: 'a', intentId: 'b.c' },
        { sessionId: 'a', intentId: 'b' },
        { sessionId: 'a-b', intentId: 'c' },
        { sessionId: 'a', intentId: 'b:c' },
        { sessionId: 'a_b', intentId: 'c' },
        { sessionId: 'a', intentId: 'B.C' },
        { sessionId: 'ab', intentId: 'c' },
        { sessionId: 'a', intentId: 'b/c d%é中' },
      ];
      const claimants = keys.map((key) => claimant(store, key));
      for (const one of claimants) expect(await one.claim()).toEqual({ kind: 'claimed' });
      expect((await store.read(keys)).map((view) => view?.token)).toEqual(claimants.map((one) => one.token));
      await store.forget([keys[0]!]);
      expect((await store.read(keys)).filter((view) => view === null)).toHaveLength(1);
    });

    it('shares no object with its caller', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      const outcome = succeeded({ seats: [1, 2] });
      await a.claim();
      const recording = a.record(outcome);
      (outcome.result as { seats: number[] }).seats.push(3);
      await recording;
      const view = (await viewOf(store, a.key))!;
      view.outcome!.attempts = 99;
      view.token = 'somebody';
      expect((await viewOf(store, a.key))!.outcome).toEqual(succeeded({ seats: [1, 2] }));
      expect((await viewOf(store, a.key))!.token).toBe(a.token);
    });

    it('holds an outcome of 8 MiB', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      const large = succeeded('x'.repeat(8 * 1024 * 1024));
      await a.claim();
      await a.record(large);
      expect((await viewOf(store, a.key))!.outcome!.result === large.result).toBe(true);
    });
  });
};
