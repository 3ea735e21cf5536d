import { describe, expect, it } from '@jest/globals';
import type { ClaimKey, ClaimStore, SealReply } from '#idempotency';
import { crashEverywhere } from '../contract/crash-points.js';
import { expectHappenedOrRefused, expectRefused, settleAll } from '../contract/refusals.js';
import { applies } from '../contract/test-bed.js';
import { cancelled, freshKey, succeeded, viewOf } from './claimant.js';
import type { ClaimSuite } from './claim-suite.js';

/** How long claims stay: expiry, restarts, crashes, the end of the store. */
export const claimLifetime = (suite: ClaimSuite): void => {
  const { bed, makeBed, claimant, timing, leasesOver, capabilities } = suite;
  const { retentionMs, marginMs } = timing;
  const whenAsked = applies(capabilities.expires === 'when_asked', 'the store expires claims by itself');

  describe('expiry', () => {
    it('takes what was recorded or sealed, after its retention and not before', async () => {
      const store = await bed().open();
      const [recorded, sealed] = [freshKey(), freshKey()];
      const a = claimant(store, recorded);
      await a.claim();
      await a.record();
      await store.seal(sealed, a.digest, cancelled(), retentionMs);
      await bed().advance(retentionMs / 2);
      await store.expire(await store.now(), 100);
      expect((await store.read([recorded, sealed])).map((view) => view !== null)).toEqual([true, true]);
      await bed().advance(retentionMs / 2 + marginMs);
      await store.expire(await store.now(), 100);
      expect(await store.read([recorded, sealed])).toEqual([null, null]);
      expect(await a.claim()).toEqual({ kind: 'claimed' });
    });

    it('never takes what has no outcome', async () => {
      const store = await bed().open();
      const keys = [freshKey(), freshKey(), freshKey()];
      const [dead, handedBack, started] = keys.map((key) => claimant(store, key));
      await dead!.claim();
      await handedBack!.claim();
      await handedBack!.handBack();
      await started!.claim();
      await started!.start();
      await bed().advance(retentionMs * 2);
      await store.expire(await store.now(), 100);
      expect((await store.read(keys)).every((view) => view !== null)).toBe(true);
      expect(await claimant(store, started!.key).claim()).toMatchObject({
        kind: 'taken_over',
        started: true,
      });
    });

    whenAsked('takes at most so many at once, and says how many', async () => {
      const store = await bed().open();
      const keys = Array.from({ length: 5 }, () => freshKey());
      for (const key of keys) await store.seal(key, 'd', cancelled(), retentionMs);
      await bed().advance(retentionMs + marginMs);
      expect([await store.expire(await store.now(), 2), await store.expire(await store.now(), 2)]).toEqual([
        2, 2,
      ]);
      expect((await store.read(keys)).filter((view) => view !== null)).toHaveLength(1);
      expect(await store.expire(await store.now(), 2)).toBe(1);
      expect(await store.expire(await store.now(), 2)).toBe(0);
    });

    whenAsked('leaves a claim that was forgotten and made anew', async () => {
      const store = await bed().open();
      const key = freshKey();
      await store.seal(key, 'd', cancelled(), retentionMs);
      await store.forget([key]);
      const a = claimant(store, key);
      await a.claim();
      await bed().advance(retentionMs + marginMs);
      await store.expire(await store.now(), 100);
      expect((await viewOf(store, key))!.token).toBe(a.token);
    });
  });

  describe('a restart', () => {
    it('keeps claims, their leases and their outcomes', async () => {
      const store = await bed().open();
      const keys = [freshKey(), freshKey()];
      const [held, recorded] = keys.map((key) => claimant(store, key));
      await held!.claim();
      await held!.start();
      await recorded!.claim();
      await recorded!.record();
      const before = await store.read(keys);
      await store.close();
      const again = await bed().open();
      expect(await again.read(keys)).toEqual(before);
      expect((await claimant(again, keys[0]!).claim()).kind).toBe('held');
      expect(await held!.at(again).renew()).toBe('held');
      await leasesOver();
      expect(await claimant(again, keys[0]!).claim()).toMatchObject({ kind: 'taken_over', started: true });
    });
  });

  describe('a crash', () => {
    /** The life of one claim through all of its moves. */
    const script = (key: ClaimKey) => {
      const names = { a: 'boot-a:1', b: 'boot-b:1' };
      const by = (store: ClaimStore, name: 'a' | 'b') => claimant(store, key, names[name]);
      const look = async (store: ClaimStore) => {
        const view = await viewOf(store, key);
        if (view === null || capabilities.clock === 'moved') return view;
        const { leaseUntil, expiresAt, ...rest } = view;
        return { ...rest, leased: leaseUntil > 0, expires: expiresAt !== undefined };
      };
      /** two runs of a script by a clock that can't be moved end a lease at two times */
      const undated = (reply: SealReply): SealReply =>
        reply.kind === 'started' && capabilities.clock === 'real' ? { ...reply, leaseUntil: 1 } : reply;
      return { by, look, undated };
    };

    it('after an ordered record keeps it together with what was acknowledged after it', async () => {
      const store = await bed().open();
      const key = freshKey();
      const owner = claimant(store, key);
      await owner.claim();
      const record = () => store.record(key, owner.token, succeeded('a'), retentionMs, 'ordered');
      expect(await record()).toEqual({ kind: 'recorded' });
      await store.claim({ ...freshKey(), digest: 'other', token: 'other:1', leaseMs: 1_000 });
      await bed().crash();
      expect(await viewOf(await bed().open(), key)).toMatchObject({ outcome: succeeded('a') });
    });

    it('between and within any two moves loses nothing acknowledged, and tears nothing', async () => {
      const key = freshKey();
      const { by, look, undated } = script(key);
      await crashEverywhere(makeBed, {
        look,
        moves: [
          { name: 'claim', send: (store) => by(store, 'a').claim() },
          { name: 'start', send: (store) => by(store, 'a').start() },
          { name: 'renew', send: (store) => by(store, 'a').renew() },
          {
            name: 'defer',
            send: (store) =>
              by(store, 'a').defer({ attempts: 1, notBefore: 5, handOver: true, record: '{"i":1}' }),
          },
          { name: 'take over', send: (store) => by(store, 'b').claim() },
          { name: 'start again', send: (store) => by(store, 'b').start() },
          { name: 'keep', send: (store) => by(store, 'b').keep('{"i":2}') },
          {
            name: 'seal',
            send: async (store) =>
              undated(await store.seal(key, by(store, 'b').digest, cancelled(), retentionMs)),
          },
          { name: 'record', send: (store) => by(store, 'b').record(succeeded('b')) },
          { name: 'forget', send: (store) => store.forget([key]) },
        ],
      });
    }, 60_000);

    it('around a hand-back and a seal loses nothing acknowledged, and tears nothing', async () => {
      const key = freshKey();
      const { by, look } = script(key);
      await crashEverywhere(makeBed, {
        look,
        moves: [
          { name: 'claim', send: (store) => by(store, 'a').claim() },
          { name: 'hand back', send: (store) => by(store, 'a').handBack() },
          { name: 'seal', send: (store) => store.seal(key, by(store, 'a').digest, cancelled(), retentionMs) },
          { name: 'record', send: (store) => by(store, 'b').record(succeeded('late')) },
        ],
      });
    }, 60_000);

    it('under load keeps every claim that was acknowledged', async () => {
      const store = await bed().open();
      const keys = Array.from({ length: 300 }, () => freshKey());
      const acknowledged = new Set<number>();
      const claims = keys.map(async (key, i) => {
        await claimant(store, key, `boot:${i}`).claim();
        acknowledged.add(i);
      });
      const all = settleAll(claims);
      await Promise.race(claims.slice(0, 100));
      const before = [...acknowledged];
      await bed().crash();
      await all;
      const again = await bed().open();
      const views = await again.read(keys);
      expect(before.filter((i) => views[i]?.token !== `boot:${i}`)).toEqual([]);
      for (const [i, view] of views.entries()) expect([null, `boot:${i}`]).toContain(view?.token ?? null);
    });
  });

  describe('close', () => {
    it('while busy: every move has happened or is refused', async () => {
      const store = await bed().open();
      const keys = Array.from({ length: 200 }, () => freshKey());
      const moves = settleAll(keys.map((key) => claimant(store, key).claim()));
      await store.close();
      const settled = await moves;
      expectHappenedOrRefused(settled);
      const again = await bed().open();
      const views = await again.read(keys);
      for (const [i, one] of settled.entries()) if (one.ok) expect(views[i]).not.toBeNull();
    });

    it('is followed by refusals', async () => {
      const store = await bed().open();
      const a = claimant(store, freshKey());
      await a.claim();
      await store.close();
      const calls = [
        () => a.claim(),
        () => a.start(),
        () => a.renew(),
        () => a.defer(),
        () => a.keep(),
        () => a.record(),
        () => store.seal(a.key, a.digest, cancelled(), retentionMs),
        () => a.handBack(),
        () => a.drop(),
        () => store.forget([a.key]),
        () => store.read([a.key]),
        () => store.expire(0, 1),
        () => store.ping(),
      ];
      for (const call of calls) await expectRefused(call(), 'closed');
    });

    it('and before that it answers a ping', async () => {
      const store = await bed().open();
      await store.ping();
    });
  });

  it('tells what it can do as it was said to', async () => {
    const store = await bed().open();
    expect(store.capabilities).toMatchObject({
      shared: capabilities.shared,
      durability: capabilities.durability,
    });
  });

  it('has a clock that goes on', async () => {
    const store = await bed().open();
    const before = await store.now();
    await bed().advance(50);
    expect(await store.now()).toBeGreaterThanOrEqual(before + 50);
  });
};
