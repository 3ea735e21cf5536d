import { describe, expect, it } from '@jest/globals';
import { cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** How a claim ends, or is given to whoever comes next. */
export const claimEnding = ({ bed, claimant, timing, leasesOver }: ClaimSuite): void => {
  const { marginMs, retentionMs } = timing;
  const near = (at: number, expected: number) => {
    expect(at).toBeGreaterThanOrEqual(expected - marginMs);
    expect(at).toBeLessThanOrEqual(expected + marginMs);
  };

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
};
