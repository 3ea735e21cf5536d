import { describe, expect, it } from '@jest/globals';
import { RECORD_VERSION } from '#contracts';
import { OTHER_DIGEST, cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** Each move by itself, by somebody who is alone or comes first. */
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

  describe('defer', () => {
    it('keeps attempts and time, takes the start back, and goes on holding', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.start();
      const { leaseUntil } = (await viewOf(store, key))!;
      expect(await a.defer({ attempts: 2, notBefore: 12_345 })).toBe('deferred');
      expect(await viewOf(store, key)).toMatchObject({
        token: a.token,
        started: false,
        attempts: 2,
        notBefore: 12_345,
        leaseUntil,
      });
      expect((await claimant(store, key).claim()).kind).toBe('held');
      expect(await a.start()).toBe('started');
    });

    it('with a hand-over ends the lease and keeps the record for whoever comes', async () => {
      const store = await bed().open();
      const key = freshKey();
      const [a, b] = [claimant(store, key), claimant(store, key)];
      await a.claim();
      await a.start();
      const notBefore = (await store.now()) + 5_000;
      expect(await a.defer({ attempts: 1, notBefore, handOver: true, record: '{"intent":2}' })).toBe(
        'deferred',
      );
      const view = (await viewOf(store, key))!;
      expect(view).toMatchObject({ started: false, attempts: 1, notBefore, record: '{"intent":2}' });
      expect(view.leaseUntil).toBeLessThanOrEqual(await store.now());
      expect(await b.claim()).toEqual({
        kind: 'taken_over',
        started: false,
        attempts: 1,
        notBefore,
        cancelRequested: false,
      });
    });

    it('finds nothing where there is no claim', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      expect(await a.defer()).toBe('lost');
      expect(await viewOf(store, a.key)).toBeNull();
    });
  });

  describe('keep', () => {
    it('puts the whole intent under the claim', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      expect(await a.keep('{"ü":"\\u0000"}')).toBe('kept');
      expect((await viewOf(store, a.key))!.record).toBe('{"ü":"\\u0000"}');
    });

    it('finds nothing where there is no claim', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      expect(await a.keep()).toBe('lost');
      expect(await viewOf(store, a.key)).toBeNull();
    });
  });

  describe('record', () => {
    it('holds the outcome, and says when it goes', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      const now = await store.now();
      expect(await a.record(succeeded(['é', null, 1e-7]))).toEqual({ kind: 'recorded' });
      const view = (await viewOf(store, a.key))!;
      expect(view.outcome).toEqual(succeeded(['é', null, 1e-7]));
      near(view.expiresAt!, now + retentionMs);
    });

    it('stands although the lease has run out, when nobody came', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await leasesOver();
      expect(await a.record()).toEqual({ kind: 'recorded' });
    });

    it('says that there is no claim at all', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      expect(await a.record()).toEqual({ kind: 'none' });
      expect(await viewOf(store, a.key)).toBeNull();
    });

    it('is never replaced', async () => {
      const store = await bed().open();
      const key = freshKey();
      const a = claimant(store, key);
      await a.claim();
      await a.record(succeeded('first'));
      await a.record(succeeded('second'));
      await store.seal(key, a.digest, cancelled(), retentionMs);
      await a.defer();
      await a.handBack();
      await a.drop();
      await leasesOver();
      const b = claimant(store, key);
      await b.claim();
      expect(await b.record(succeeded('third'))).toEqual({ kind: 'superseded', outcome: succeeded('first') });
      expect((await viewOf(store, key))!.outcome).toEqual(succeeded('first'));
    });
  });

  describe('handBack', () => {
    it('ends the lease at once and keeps everything else', async () => {
      const store = await bed().open();
      const key = freshKey();
      const [a, b] = [claimant(store, key), claimant(store, key)];
      await a.claim();
      await a.defer({ attempts: 2, notBefore: 99 });
      await a.start();
      await a.keep('{"intent":3}');
      await a.handBack();
      const view = (await viewOf(store, key))!;
      expect(view).toMatchObject({
        token: '',
        leaseUntil: 0,
        digest: a.digest,
        started: true,
        attempts: 2,
        notBefore: 99,
        record: '{"intent":3}',
      });
      expect(await b.claim()).toEqual({
        kind: 'taken_over',
        started: true,
        attempts: 2,
        notBefore: 99,
        cancelRequested: false,
      });
    });

    it('takes the claim from the token that gave it', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await a.handBack();
      expect(await a.start()).toBe('lost');
      expect(await a.renew()).toBe('lost');
      expect(await a.record()).toEqual({ kind: 'lost' });
    });
  });

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
