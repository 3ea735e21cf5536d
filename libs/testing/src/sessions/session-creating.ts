import { describe, expect, it } from '@jest/globals';
import { RECORD_VERSION } from '#contracts';
import { openSeveral } from '../contract/test-bed.js';
import { refusal } from '../contract/refusals.js';
import { deepFreeze } from '../deep-freeze.js';
import { created, creationAt, inParallel, sightOf, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

/** Rule 1: one atomic write, and the snapshot itself is the binding of its id. */
export const sessionCreating = ({ bed, capabilities }: SessionSuite): void => {
  describe('create', () => {
    it('puts snapshot, timeline and wake-up there', async () => {
      const store = await bed().open();
      const creation = creationAt(await store.now());
      const id = creation.snapshot.session_id;
      expect(await store.create(creation)).toEqual({ kind: 'created' });
      expect(await store.load(id)).toEqual(creation.snapshot);
      expect(await store.timeline(id)).toEqual([
        {
          seq: 1,
          time: new Date(creation.snapshot.updated_at).toISOString(),
          type: 'status',
          payload: { status: 'queued' },
        },
      ]);
      expect(await store.history(id)).toEqual([]);
      expect(await store.wakeOf(id)).toBe(creation.wakeAt);
      expect(await store.nextWake()).toBe(creation.wakeAt);
      expect(await store.isPending(id, `${id}.1.0`)).toEqual({ kind: 'not_pending' });
    });

    it('knows nothing of an id that nobody created', async () => {
      const store = await bed().open();
      expect(await sightOf(store, 'sess-nobody')).toEqual({
        snapshot: null,
        history: [],
        timeline: [],
        wake: null,
      });
      expect(await store.isPending('sess-nobody', 'sess-nobody.1.0')).toEqual({ kind: 'no_session' });
      expect(await store.nextWake()).toBeNull();
    });

    it('of a taken id answers with the snapshot that has it, and changes nothing', async () => {
      const store = await bed().open();
      const snapshot = await created(store);
      const moved = await stepped(store, snapshot);
      const before = await sightOf(store, snapshot.session_id);
      const now = await store.now();
      const other = creationAt(now, { id: snapshot.session_id, tenant: 'another', wakeAt: now + 1 });
      expect(await store.create(other)).toEqual({ kind: 'exists', snapshot: moved });
      expect(await sightOf(store, snapshot.session_id)).toEqual(before);
    });

    it('sent again after a lost reply does no more', async () => {
      const store = await bed().open();
      const creation = creationAt(await store.now());
      await store.create(creation);
      const before = await sightOf(store, creation.snapshot.session_id);
      expect([{ kind: 'created' }, { kind: 'exists', snapshot: creation.snapshot }]).toContainEqual(
        await store.create(creation),
      );
      expect(await sightOf(store, creation.snapshot.session_id)).toEqual(before);
    });

    it('of one id 1,000 times at once happens once', async () => {
      const stores = await openSeveral(bed(), capabilities, 4);
      const now = await stores[0].now();
      const id = creationAt(now).snapshot.session_id;
      const creations = Array.from({ length: 1_000 }, (_, i) =>
        creationAt(now, { id, wakeAt: now + 1_000 + i }),
      );
      const replies = await inParallel(1_000, (i) => stores[i % stores.length]!.create(creations[i]!));
      const winner = replies.findIndex((reply) => reply.kind === 'created');
      expect(replies.filter((reply) => reply.kind === 'created')).toHaveLength(1);
      for (const reply of replies) {
        if (reply.kind === 'exists') expect(reply.snapshot).toEqual(creations[winner]!.snapshot);
      }
      expect(await stores[0].load(id)).toEqual(creations[winner]!.snapshot);
      expect(await stores[0].timeline(id)).toHaveLength(1);
      expect(await stores[0].wakeOf(id)).toBe(creations[winner]!.wakeAt);
      expect(await stores[0].dueWakes(now + 10_000, 10)).toHaveLength(1);
    });

    it('changes neither what it was handed nor what it gave', async () => {
      const store = await bed().open();
      const creation = deepFreeze(creationAt(await store.now(), { metadata: { team: 'a' } }));
      const wanted = structuredClone(creation.snapshot);
      await store.create(creation);
      const loaded = deepFreeze((await store.load(wanted.session_id))!);
      await stepped(store, loaded);
      expect(await store.create(creation)).toMatchObject({ kind: 'exists' });
      expect(loaded).toEqual(wanted);
    });

    it('keeps sessions with similar names apart', async () => {
      const store = await bed().open();
      const ids = ['a', 'a-', 'a_', 'a0', 'A', '-a', 'a-b', 'z'.repeat(64), 'z'.repeat(63)];
      for (const id of ids) await created(store, { id, metadata: { id } });
      for (const id of ids) {
        expect((await store.load(id))!.fixed.submission.metadata).toEqual({ id });
        expect(await store.timeline(id)).toHaveLength(1);
      }
      const a = (await store.load('a'))!;
      await stepped(store, a);
      expect(await store.history('a-')).toEqual([]);
      expect(await store.timeline('a0')).toHaveLength(1);
      expect((await store.load('A'))!.version).toBe(1);
    });

    it('holds a body of 1 MiB', async () => {
      const store = await bed().open();
      const creation = creationAt(await store.now());
      creation.snapshot.fixed.submission.instructions = 'é'.repeat(512 * 1024);
      await store.create(creation);
      const loaded = (await store.load(creation.snapshot.session_id))!;
      expect(loaded.fixed.submission.instructions === creation.snapshot.fixed.submission.instructions).toBe(
        true,
      );
    });

    it('does not pass off a record of a later release as one of its own', async () => {
      const store = await bed().open();
      const creation = creationAt(await store.now());
      creation.snapshot.v = RECORD_VERSION + 1;
      const written = await store.create(creation).then(
        () => true,
        () => false,
      );
      const refused = await refusal(
        written ? store.load(creation.snapshot.session_id) : store.create(creation),
      );
      expect(refused.code).toBe('newer_version');
    });
  });
};
