import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '#contracts';
import type { ListQuery, SessionStore } from '#state';
import { expectRefused } from '../contract/refusals.js';
import { settles } from '../eventually.js';
import { created, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

/** Lists may lag by a second: what is expected of them is waited for. */
export const sessionListing = ({ bed }: SessionSuite): void => {
  /** every page of a query, and no more pages than there can be */
  const allPages = async (
    store: SessionStore,
    query: ListQuery,
    between?: () => Promise<void>,
  ): Promise<string[]> => {
    const ids: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; ; pages++) {
      const page = await store.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.snapshots.length).toBeLessThanOrEqual(query.limit);
      ids.push(...page.snapshots.map((snapshot) => snapshot.session_id));
      if (page.nextCursor === undefined) return ids;
      expect(pages).toBeLessThan(10_000);
      cursor = page.nextCursor;
      await between?.();
    }
  };

  describe('list', () => {
    it('gives the sessions of one tenant, newest first, as they are', async () => {
      const store = await bed().open();
      const now = await store.now();
      const ids: string[] = [];
      for (const i of [3, 1, 4, 2, 5]) {
        ids[i] = (await created(store, { tenant: 'ours', createdAt: now - 100_000 + i * 10 })).session_id;
      }
      await created(store, { tenant: 'theirs', createdAt: now });
      await created(store, { tenant: 'our', createdAt: now });
      const last = (await store.load(ids[5]!))!;
      const moved = await stepped(store, last);
      await settles(async () => {
        const page = await store.list({ tenant: 'ours', limit: 50 });
        expect(page.snapshots.map((s) => s.session_id)).toEqual([ids[5], ids[4], ids[3], ids[2], ids[1]]);
        expect(page.snapshots[0]).toEqual(moved);
      });
      expect(await allPages(store, { tenant: 'nobody', limit: 50 })).toEqual([]);
    });

    it('filters by status, also after it changed', async () => {
      const store = await bed().open();
      const a = await created(store);
      const b = await created(store);
      await created(store);
      await stepped(store, await stepped(store, a), { status: 'completed' });
      await stepped(store, b, { status: 'parked', wakeAt: (await store.now()) + 1 });
      const by = (status: ListQuery['status']) =>
        allPages(store, { tenant: 'default', limit: 10, status: status! });
      await settles(async () => {
        expect(await by('completed')).toEqual([a.session_id]);
        expect(await by('parked')).toEqual([b.session_id]);
        expect(await by('queued')).toHaveLength(1);
        expect(await by('waiting_tool')).toEqual([]);
      });
    });

    it('filters by metadata, all of which must match', async () => {
      const store = await bed().open();
      const both = await created(store, { metadata: { team: 'a', env: 'prod' } });
      const one = await created(store, { metadata: { team: 'a' } });
      await created(store, { metadata: { team: 'b', env: 'prod' } });
      await created(store);
      const by = async (metadata: Record<string, string>) =>
        new Set(await allPages(store, { tenant: 'default', limit: 10, metadata }));
      await settles(async () => {
        expect(await by({ team: 'a' })).toEqual(new Set([both.session_id, one.session_id]));
        expect(await by({ team: 'a', env: 'prod' })).toEqual(new Set([both.session_id]));
        expect(await by({ team: 'a', env: 'test' })).toEqual(new Set());
        expect(await by({ constructor: 'a' })).toEqual(new Set());
      });
    });

    it('filters by the time of creation', async () => {
      const store = await bed().open();
      const now = await store.now();
      const old = await created(store, { createdAt: now - 50_000 });
      const young = await created(store, { createdAt: now - 10_000 });
      await settles(async () => {
        const query = { tenant: 'default', limit: 10 };
        expect(await allPages(store, { ...query, createdAfter: now - 30_000 })).toEqual([young.session_id]);
        expect(await allPages(store, { ...query, createdAfter: now - 60_000 })).toEqual([
          young.session_id,
          old.session_id,
        ]);
        expect(await allPages(store, { ...query, createdAfter: now })).toEqual([]);
      });
    });

    it.each([1, 3, 10, 500])('pages without gap or double, %i a page', async (limit) => {
      const store = await bed().open();
      const now = await store.now();
      // many of them in one millisecond
      const made = await Promise.all(
        Array.from({ length: 60 }, (_, i) => created(store, { createdAt: now - Math.floor(i / 20) })),
      );
      await settles(async () => {
        const ids = await allPages(store, { tenant: 'default', limit });
        expect(ids).toHaveLength(60);
        expect(new Set(ids)).toEqual(new Set(made.map((s) => s.session_id)));
      });
    });

    it('keeps its pages while sessions are created, moved and ended', async () => {
      const store = await bed().open();
      const now = await store.now();
      const made: Snapshot[] = [];
      for (let i = 0; i < 40; i++) made.push(await created(store, { createdAt: now - 1_000_000 + i }));
      await settles(async () =>
        expect(await allPages(store, { tenant: 'default', limit: 50 })).toHaveLength(40),
      );
      let i = 0;
      const ids = await allPages(store, { tenant: 'default', limit: 4 }, async () => {
        await created(store, { createdAt: now + i });
        const moved = await stepped(store, made[i]!);
        if (i % 2 === 0) await stepped(store, moved, { status: 'completed' });
        i++;
      });
      const old = ids.filter((id) => made.some((s) => s.session_id === id));
      expect(old).toEqual(made.map((s) => s.session_id).reverse());
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('pages a filtered list to its end', async () => {
      const store = await bed().open();
      const wanted: string[] = [];
      for (let i = 0; i < 50; i++) {
        const { session_id: id } = await created(store, {
          metadata: { kind: i % 10 === 0 ? 'rare' : 'common' },
        });
        if (i % 10 === 0) wanted.push(id);
      }
      await settles(async () => {
        const ids = await allPages(store, { tenant: 'default', limit: 2, metadata: { kind: 'rare' } });
        expect(new Set(ids)).toEqual(new Set(wanted));
      });
    });

    it.each(['', 'nonsense', '{"a":1}', 'AAAA'])(
      'refuses a cursor that it did not give (%j)',
      async (cursor) => {
        const store = await bed().open();
        await created(store);
        await expectRefused(
          store.list({ tenant: 'default', limit: 10, cursor }),
          'invalid_cursor',
          'invalid_request',
        );
      },
    );
  });
};
