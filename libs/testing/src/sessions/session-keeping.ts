import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { StoredStatus } from '#contracts';
import type { SessionStore } from '#state';
import { openSeveral } from '../contract/test-bed.js';
import { settles } from '../eventually.js';
import { created, creationAt, sightOf, stepAfter, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

/** Payloads, the end of old sessions, and being told of growth. */
export const sessionKeeping = ({ bed, capabilities }: SessionSuite): void => {
  describe('the mark', () => {
    it('is kept: a store in use is not taken for an emptied one', async () => {
      const store = await bed().open();
      await store.mark();
      await store.mark();
      expect(await store.isEmptied()).toBe(false);
      await created(store);
      expect(await store.isEmptied()).toBe(false);
    });

    it('of a store is there for every process, and after a restart', async () => {
      const store = await bed().open();
      await store.mark();
      await bed().crash();
      expect(await (await bed().open()).isEmptied()).toBe(false);
    });
  });

  describe('blobs', () => {
    it('come back as they were, by the name that the contracts give them', async () => {
      const store = await bed().open();
      const { session_id: id } = await created(store);
      for (const bytes of [randomBytes(3_000_000), Buffer.from([0, 255, 10]), Buffer.alloc(0)]) {
        const dataref = await store.putBlob(id, bytes);
        expect(dataref.startsWith(`blob:{${id}}:`)).toBe(true);
        expect(Buffer.from((await store.getBlob(dataref))!).equals(bytes)).toBe(true);
      }
    });

    it('with the same bytes are one blob', async () => {
      const store = await bed().open();
      const { session_id: id } = await created(store);
      const bytes = randomBytes(100);
      expect(await store.putBlob(id, bytes)).toBe(await store.putBlob(id, new Uint8Array(bytes)));
    });

    it('share no bytes with the caller', async () => {
      const store = await bed().open();
      const { session_id: id } = await created(store);
      const bytes = Buffer.from('before');
      const putting = store.putBlob(id, bytes);
      bytes.fill(0);
      const dataref = await putting;
      (await store.getBlob(dataref))!.fill(0);
      expect(Buffer.from((await store.getBlob(dataref))!).toString()).toBe('before');
    });

    it('that are not there are null', async () => {
      const store = await bed().open();
      const { session_id: id } = await created(store);
      for (const dataref of [`blob:{${id}}:${'0'.repeat(64)}`, 'blob:{sess-nobody}:0', 'nonsense', '']) {
        expect(await store.getBlob(dataref)).toBeNull();
      }
    });
  });

  describe('expire', () => {
    const ended = async (store: SessionStore, status: StoredStatus) => {
      const second = await stepped(store, await created(store));
      const dataref = await store.putBlob(second.session_id, Buffer.from(second.session_id));
      const last = stepAfter(second, await store.now(), { status });
      expect((await store.commit(last)).kind).toBe('committed');
      return { snapshot: last.snapshot, last, dataref };
    };

    it.each(['completed', 'failed', 'compensated', 'cancelled'] as const)(
      'drops all of a session that ended before (%s)',
      async (status) => {
        const store = await bed().open();
        const { snapshot, last, dataref } = await ended(store, status);
        const id = snapshot.session_id;
        await bed().advance(50);
        expect(await store.expire(await store.now(), 10)).toBe(1);
        expect(await sightOf(store, id)).toEqual({ snapshot: null, history: [], timeline: [], wake: null });
        expect(await store.getBlob(dataref)).toBeNull();
        expect(await store.isPending(id, 'x')).toEqual({ kind: 'no_session' });
        await settles(async () => {
          expect((await store.list({ tenant: 'default', limit: 10 })).snapshots).toEqual([]);
        });
        expect(await store.create(creationAt(await store.now(), { id }))).toEqual({ kind: 'created' });
        expect(await store.history(id)).toEqual([]);
        expect(await store.timeline(id)).toHaveLength(1);
        // a step of the session that had the id before
        expect(await store.commit(last)).toEqual({ kind: 'conflict', version: 1 });
      },
    );

    it('leaves what has not ended, or ended later', async () => {
      const store = await bed().open();
      const running = await stepped(store, await created(store));
      const parked = await stepped(store, await created(store), { status: 'parked', wakeAt: 1 });
      const early = await ended(store, 'completed');
      await bed().advance(50);
      const between = await store.now();
      await bed().advance(50);
      const late = await ended(store, 'completed');
      expect(await store.expire(between, 10)).toBe(1);
      expect(await store.load(early.snapshot.session_id)).toBeNull();
      for (const kept of [running, parked, late.snapshot])
        expect(await store.load(kept.session_id)).toEqual(kept);
      expect(await store.getBlob(late.dataref)).not.toBeNull();
    });

    it('drops at most so many at once, and says how many', async () => {
      const store = await bed().open();
      for (let i = 0; i < 5; i++) await ended(store, 'completed');
      await bed().advance(50);
      const now = await store.now();
      expect([await store.expire(now, 2), await store.expire(now, 2), await store.expire(now, 2)]).toEqual([
        2, 2, 1,
      ]);
      expect(await store.expire(now, 2)).toBe(0);
    });
  });

  describe('drop', () => {
    it.each(['waiting_tool', 'completed'] as const)(
      'leaves nothing of a session but its payloads, and its id free (%s)',
      async (status) => {
        const store = await bed().open();
        const before = await stepped(store, await created(store), { status });
        const id = before.session_id;
        const dataref = await store.putBlob(id, Buffer.from('kept'));
        await store.drop(id);
        await store.drop(id);
        expect(await sightOf(store, id)).toEqual({ snapshot: null, history: [], timeline: [], wake: null });
        expect(await store.expire((await store.now()) + 1, 10)).toBe(0);
        await settles(async () => {
          expect((await store.list({ tenant: 'default', limit: 10 })).snapshots).toEqual([]);
        });
        const creation = creationAt(before.fixed.created_at - 1_000, { id });
        expect(await store.create(creation)).toEqual({ kind: 'created' });
        expect(await store.load(id)).toEqual(creation.snapshot);
        expect(await store.timeline(id)).toHaveLength(1);
        expect(await store.getBlob(dataref)).toEqual(new Uint8Array(Buffer.from('kept')));
        await settles(async () => {
          expect((await store.list({ tenant: 'default', limit: 10 })).snapshots).toEqual([creation.snapshot]);
        });
      },
    );

    it('of a session that is not there does nothing', async () => {
      const store = await bed().open();
      await store.drop('sess-nobody');
    });
  });

  describe('watch', () => {
    it('tells of every growth after the call, until it is ended', async () => {
      const [store, ...others] = await openSeveral(bed(), capabilities, 2);
      const writer = others[0] ?? store;
      const first = await created(store);
      let told = 0;
      const end = store.watch(first.session_id, () => told++);
      let snapshot = first;
      for (let i = 0; i < 5; i++) {
        const before = told;
        snapshot = await stepped(writer, snapshot);
        await settles(() => expect(told).toBeGreaterThan(before));
      }
      end();
      const silent = told;
      let witness = 0;
      const endWitness = store.watch(first.session_id, () => witness++);
      await stepped(writer, snapshot);
      await settles(() => expect(witness).toBeGreaterThan(0));
      expect(told).toBe(silent);
      endWitness();
    });

    it('shows the growth to who loads when told', async () => {
      const store = await bed().open();
      const first = await created(store);
      const seen: Promise<number>[] = [];
      const end = store.watch(first.session_id, () => {
        seen.push(store.timeline(first.session_id).then((entries) => entries.length));
      });
      await stepped(store, first);
      await settles(async () => expect((await Promise.all(seen)).at(-1)).toBe(2));
      end();
    });

    it('works for many watchers of many sessions, and before the session is there', async () => {
      const store = await bed().open();
      const creations = await Promise.all(
        Array.from({ length: 20 }, async () => creationAt(await store.now())),
      );
      const told = creations.map(() => [0, 0] as [number, number]);
      const ends = creations.flatMap(({ snapshot }, i) =>
        [0, 1].map((n) => store.watch(snapshot.session_id, () => told[i]![n as 0 | 1]++)),
      );
      await Promise.all(creations.map((creation) => store.create(creation)));
      await settles(() => expect(told.every(([a, b]) => a > 0 && b > 0)).toBe(true));
      for (const end of ends) end();
    });
  });
};
