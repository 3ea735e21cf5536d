import { describe, expect, it } from '@jest/globals';
import type { SessionStore } from '#state';
import { created, creationAt, pendingIntent, stepAfter, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

/** Rule 9: an unfinished session always has one entry, at the latest at its own next time. */
export const sessionWaking = ({ bed }: SessionSuite): void => {
  const opened = async (): Promise<{ store: SessionStore; now: number }> => {
    const store = await bed().open();
    return { store, now: await store.now() };
  };

  describe('the wake-up and a commit', () => {
    it.each([
      ['a later one', 90_000],
      ['an earlier one', 5_000],
      ['the same', 15_000],
      ['one in the past', -1_000],
    ])('after it the entry is the own time of the snapshot: %s', async (_name, offset) => {
      const { store, now } = await opened();
      const first = await created(store, { wakeAt: now + 15_000 });
      await stepped(store, first, { wakeAt: now + offset });
      expect(await store.wakeOf(first.session_id)).toBe(now + offset);
      expect(await store.nextWake()).toBe(now + offset);
      expect(await store.dueWakes(now + offset, 10)).toEqual([
        { sessionId: first.session_id, at: now + offset },
      ]);
      expect(await store.dueWakes(now + offset - 1, 10)).toEqual([]);
    });

    it.each([
      ['leaves an earlier one', {}, 60_000, 5_000, 5_000],
      ['lowers a later one', {}, 60_000, 90_000, 60_000],
      ['passes over one for an external tool', { external: true }, 60_000, 5_000, 60_000],
      ['passes over one that waits for its time', { not_before: 1 }, 60_000, 5_000, 60_000],
    ])(
      'while an intent of an earlier step is pending: %s',
      async (_name, more, ownOffset, entryOffset, expectedOffset) => {
        const { store, now } = await opened();
        const first = await stepped(store, await created(store), { wakeAt: now + 15_000 });
        const id = first.session_id;
        expect(await store.moveWake(id, now + 15_000, now + entryOffset)).toBe(true);
        const next = stepAfter(first, now, { wakeAt: now + ownOffset });
        next.snapshot.pending.push({ ...pendingIntent(id, first.version, now), ...more });
        expect((await store.commit(next)).kind).toBe('committed');
        expect(await store.wakeOf(id)).toBe(now + expectedOffset);
      },
    );

    it('that takes no step, as when a person sends something, leaves an earlier one', async () => {
      const { store, now } = await opened();
      const first = await created(store);
      const id = first.session_id;
      const step = stepAfter(first, now, { wakeAt: now + 60_000 });
      const { snapshot } = step;
      const { version } = snapshot;
      snapshot.pending = [pendingIntent(id, version, now)];
      const commit = { v: 1, step: 1, version, applied: 'x', at: now, status: snapshot.status };
      snapshot.outbox = { commit, intent_ids: snapshot.pending.map((p) => p.intent_id), out: false };
      expect((await store.commit(step)).kind).toBe('committed');
      expect(await store.wakeOf(id)).toBe(now + 60_000);
      // the intent's dispatcher puts it off
      await store.lowerWake(id, now + 5_000);
      const sent = stepAfter(snapshot, now, { wakeAt: now + 10_000 });
      const { pending, outbox } = snapshot;
      const written = { ...sent, snapshot: { ...sent.snapshot, pending, outbox } };
      expect((await store.commit(written)).kind).toBe('committed');
      expect(await store.wakeOf(id)).toBe(now + 5_000);
    });

    it('is lowered before and settled after: who sees the later time sees the later snapshot', async () => {
      const { store, now } = await opened();
      let snapshot = await created(store, { wakeAt: now + 1_000 });
      for (let round = 1; round <= 10; round++) {
        const later = now + 1_000 + round * 1_000;
        const commit = stepAfter(snapshot, now, { wakeAt: later });
        const progress = { done: false };
        const committing = store.commit(commit).finally(() => (progress.done = true));
        for (let looks = 0; !progress.done && looks < 1_000; looks++) {
          const wake = (await store.wakeOf(snapshot.session_id))!;
          const { version } = (await store.load(snapshot.session_id))!;
          if (version < commit.snapshot.version) expect(wake).toBeLessThan(later);
        }
        expect((await committing).kind).toBe('committed');
        snapshot = commit.snapshot;
      }
    });

    it('that ends the session removes the entry', async () => {
      const { store, now } = await opened();
      const first = await created(store);
      await stepped(store, first, { status: 'completed' });
      expect(await store.wakeOf(first.session_id)).toBeNull();
      expect(await store.nextWake()).toBeNull();
      expect(await store.dueWakes(now + 1e9, 10)).toEqual([]);
    });

    it.each([
      ['raise', { wakeAt: 3_600_000 }],
      ['remove', { wakeAt: null, status: 'failed' as const }],
    ])('that is refused does not %s the entry', async (_name, options) => {
      const { store, now } = await opened();
      const first = await created(store, { wakeAt: now + 10_000 });
      await stepped(store, first, { wakeAt: now + 20_000 });
      const wakeAt = options.wakeAt === null ? null : now + options.wakeAt;
      expect((await store.commit(stepAfter(first, now, { ...options, wakeAt }))).kind).toBe('conflict');
      expect((await store.wakeOf(first.session_id))!).toBeLessThanOrEqual(now + 20_000);
    });

    it('of a session that is not there leaves no entry', async () => {
      const { store, now } = await opened();
      const { snapshot } = creationAt(now);
      await store.commit(stepAfter(snapshot, now, { wakeAt: now + 5 }));
      expect(await store.wakeOf(snapshot.session_id)).toBeNull();
      expect(await store.nextWake()).toBeNull();
    });

    it('that arrives again leaves an entry that was moved meanwhile', async () => {
      const { store, now } = await opened();
      const first = await created(store);
      const commit = stepAfter(first, now, { wakeAt: now + 60_000 });
      await store.commit(commit);
      await store.lowerWake(first.session_id, now + 7);
      await store.commit(commit);
      expect((await store.wakeOf(first.session_id))!).toBeLessThanOrEqual(now + 60_000);
      expect(await store.wakeOf(first.session_id)).not.toBeNull();
    });

    it('racing a lowering leaves an entry that is early enough', async () => {
      const { store, now } = await opened();
      let snapshot = await created(store, { wakeAt: now + 100_000 });
      for (let round = 1; round <= 20; round++) {
        const own = now + 100_000 + round;
        const commit = stepAfter(snapshot, now, { wakeAt: own });
        const lowered = now + round;
        await Promise.all([store.commit(commit), store.lowerWake(snapshot.session_id, lowered)]);
        expect([own, lowered]).toContain(await store.wakeOf(snapshot.session_id));
        snapshot = commit.snapshot;
      }
    });
  });

  describe('lowerWake', () => {
    it('only lowers', async () => {
      const { store, now } = await opened();
      const { session_id: id } = await created(store, { wakeAt: now + 10_000 });
      await store.lowerWake(id, now + 20_000);
      expect(await store.wakeOf(id)).toBe(now + 10_000);
      await store.lowerWake(id, now + 500);
      expect(await store.wakeOf(id)).toBe(now + 500);
      await store.lowerWake(id, now + 500);
      expect(await store.wakeOf(id)).toBe(now + 500);
      expect(await store.dueWakes(now + 10_000, 10)).toEqual([{ sessionId: id, at: now + 500 }]);
    });

    it('makes no entry for a session that has ended, or never was', async () => {
      const { store, now } = await opened();
      const first = await created(store);
      await stepped(store, first, { status: 'cancelled' });
      await store.lowerWake(first.session_id, now);
      await store.lowerWake('sess-nobody', now);
      expect(await store.wakeOf(first.session_id)).toBeNull();
      expect(await store.wakeOf('sess-nobody')).toBeNull();
      expect(await store.nextWake()).toBeNull();
      expect(await store.dueWakes(now + 1e9, 10)).toEqual([]);
    });
  });

  describe('moveWake', () => {
    it('moves an entry that still is what was seen', async () => {
      const { store, now } = await opened();
      const { session_id: id } = await created(store, { wakeAt: now + 10 });
      expect(await store.moveWake(id, now + 10, now + 30_000)).toBe(true);
      expect(await store.wakeOf(id)).toBe(now + 30_000);
      expect(await store.dueWakes(now + 29_999, 10)).toEqual([]);
    });

    it('leaves an entry that was lowered or settled meanwhile', async () => {
      const { store, now } = await opened();
      const first = await created(store, { wakeAt: now + 10 });
      const id = first.session_id;
      await store.lowerWake(id, now + 5);
      expect(await store.moveWake(id, now + 10, now + 30_000)).toBe(false);
      expect(await store.wakeOf(id)).toBe(now + 5);
      await stepped(store, first, { wakeAt: now + 77 });
      expect(await store.moveWake(id, now + 5, now + 30_000)).toBe(false);
      expect(await store.wakeOf(id)).toBe(now + 77);
    });

    it('sent again moves nothing more', async () => {
      const { store, now } = await opened();
      const { session_id: id } = await created(store, { wakeAt: now + 10 });
      await store.moveWake(id, now + 10, now + 30_000);
      await store.moveWake(id, now + 10, now + 30_000);
      expect(await store.wakeOf(id)).toBe(now + 30_000);
    });

    it('makes no entry for a session that has ended, or never was', async () => {
      const { store, now } = await opened();
      const first = await created(store, { wakeAt: now + 10 });
      await stepped(store, first, { status: 'completed' });
      expect(await store.moveWake(first.session_id, now + 10, now + 20)).toBe(false);
      expect(await store.moveWake('sess-nobody', now + 10, now + 20)).toBe(false);
      expect(await store.nextWake()).toBeNull();
    });

    it('by many sweepers to different times happens once', async () => {
      const { store, now } = await opened();
      const { session_id: id } = await created(store, { wakeAt: now });
      const moves = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.moveWake(id, now, now + 1_000 + i)),
      );
      expect(moves.filter(Boolean)).toHaveLength(1);
      expect(await store.wakeOf(id)).toBe(now + 1_000 + moves.indexOf(true));
    });
  });

  describe('dueWakes and nextWake', () => {
    it('give what is due, the earliest first, at most so many', async () => {
      const { store, now } = await opened();
      const offsets = [500, 100, 900, 300, 700, 100];
      const ids: string[] = [];
      for (const offset of offsets) ids.push((await created(store, { wakeAt: now + offset })).session_id);
      expect(await store.nextWake()).toBe(now + 100);
      const due = await store.dueWakes(now + 500, 10);
      expect(due.map((wake) => wake.at - now)).toEqual([100, 100, 300, 500]);
      expect(new Set(due.map((wake) => wake.sessionId))).toEqual(new Set([ids[1], ids[5], ids[3], ids[0]]));
      expect((await store.dueWakes(now + 10_000, 3)).map((wake) => wake.at - now)).toEqual([100, 100, 300]);
      expect(await store.dueWakes(now + 99, 10)).toEqual([]);
    });

    it('order times by number, whatever their length', async () => {
      const store = await bed().open();
      const times = [9, 1_000_000_000_000, 100, 99_999_999_999_999, 0, 10];
      for (const wakeAt of times) await created(store, { wakeAt });
      const due = await store.dueWakes(Number.MAX_SAFE_INTEGER, 10);
      expect(due.map((wake) => wake.at)).toEqual([...times].sort((a, b) => a - b));
      expect(await store.nextWake()).toBe(0);
    });

    it('have one entry per session, however often it was moved', async () => {
      const { store, now } = await opened();
      let snapshot = await created(store, { wakeAt: now + 1_000 });
      for (let i = 0; i < 10; i++) {
        await store.lowerWake(snapshot.session_id, now + 500 - i);
        await store.moveWake(snapshot.session_id, now + 500 - i, now + 800);
        snapshot = await stepped(store, snapshot, { wakeAt: now + 1_000 - i });
      }
      expect(await store.dueWakes(now + 1e9, 100)).toEqual([
        { sessionId: snapshot.session_id, at: now + 991 },
      ]);
    });
  });
};
