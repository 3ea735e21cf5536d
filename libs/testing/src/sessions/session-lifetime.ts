import { describe, expect, it } from '@jest/globals';
import type { Commit, SessionStore } from '#state';
import { crashEverywhere } from '../contract/crash-points.js';
import { expectHappenedOrRefused, expectRefused, settleAll } from '../contract/refusals.js';
import { created, creationAt, inParallel, sightOf, stepAfter, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

/** Restarts, crashes, and the end of the store. */
export const sessionLifetime = ({ bed, makeBed, capabilities }: SessionSuite): void => {
  describe('a restart', () => {
    it('keeps everything', async () => {
      const store = await bed().open();
      const running = await stepped(store, await created(store));
      const done = await stepped(store, await stepped(store, await created(store)), { status: 'completed' });
      const dataref = await store.putBlob(running.session_id, Buffer.from('kept'));
      const ids = [running.session_id, done.session_id];
      const before = await Promise.all(ids.map((id) => sightOf(store, id)));
      const due = await store.dueWakes(Number.MAX_SAFE_INTEGER, 10);
      const { snapshots } = await store.list({ tenant: 'default', limit: 10 });
      await store.close();
      const again = await bed().open();
      expect(await Promise.all(ids.map((id) => sightOf(again, id)))).toEqual(before);
      expect(await again.dueWakes(Number.MAX_SAFE_INTEGER, 10)).toEqual(due);
      expect((await again.list({ tenant: 'default', limit: 10 })).snapshots).toEqual(snapshots);
      expect(Buffer.from((await again.getBlob(dataref))!).toString()).toBe('kept');
      await stepped(again, running);
    });
  });

  describe('a crash', () => {
    /** The life of one session through all writes, with fixed times and tokens. */
    const script = (now: number) => {
      const creation = creationAt(now, { wakeAt: now + 15_000 });
      const id = creation.snapshot.session_id;
      const commits: Commit[] = [];
      const add = (options: Parameters<typeof stepAfter>[2]): Commit => {
        const before = commits.at(-1)?.snapshot ?? creation.snapshot;
        const commit = stepAfter(before, now, { token: `boot:${commits.length}`, ...options });
        commits.push(commit);
        return commit;
      };
      const [raising, lowering, ending] = [
        add({ wakeAt: now + 60_000 }),
        add({ wakeAt: now + 1_000 }),
        add({ status: 'completed' }),
      ] as const;
      const send = (commit: Commit) => (store: SessionStore) => store.commit(commit);
      return {
        look: async (store: SessionStore) => {
          const { wake, ...session } = await sightOf(store, id);
          const listed = (await store.list({ tenant: 'default', limit: 10 })).snapshots;
          if (capabilities.earlyWakes) return { ...session, listed };
          return { ...session, wake, due: await store.dueWakes(Number.MAX_SAFE_INTEGER, 10), listed };
        },
        moves: [
          // a repeat may answer with the snapshot that is there
          {
            name: 'create',
            send: async (store: SessionStore) => typeof (await store.create(creation)).kind,
          },
          { name: 'lower', send: (store: SessionStore) => store.lowerWake(id, now + 10) },
          { name: 'commit that raises', send: send(raising) },
          // a repeat finds the entry moved
          {
            name: 'move',
            send: async (store: SessionStore) =>
              typeof (await store.moveWake(id, now + 60_000, now + 90_000)),
          },
          {
            name: 'keep a payload',
            send: (store: SessionStore) => store.putBlob(id, Buffer.from('payload')),
          },
          { name: 'commit that lowers', send: send(lowering) },
          { name: 'commit that ends', send: send(ending) },
          // a repeat finds nothing left
          { name: 'expire', send: async (store: SessionStore) => typeof (await store.expire(now + 1, 10)) },
        ],
      };
    };

    it('between and within any two writes loses nothing acknowledged, and tears nothing', async () => {
      const probe = await bed().open();
      await crashEverywhere(makeBed, script(await probe.now()));
    }, 60_000);

    it('after an ordered write keeps it together with what was acknowledged after it', async () => {
      const store = await bed().open();
      const now = await store.now();
      const creation = creationAt(now);
      expect(await store.create({ ...creation, ack: 'ordered' })).toEqual({ kind: 'created' });
      const first = stepAfter(creation.snapshot, now);
      expect(await store.commit({ ...first, ack: 'ordered' })).toEqual({ kind: 'committed' });
      const second = stepAfter(first.snapshot, now);
      expect(await store.commit({ ...second, ack: 'ordered' })).toEqual({ kind: 'committed' });
      expect(await store.commit({ ...first, token: 'another', ack: 'ordered' })).toMatchObject({
        kind: 'conflict',
      });
      await store.putBlob(creation.snapshot.session_id, Buffer.from('later'));
      await bed().crash();
      const again = await bed().open();
      expect(await again.load(creation.snapshot.session_id)).toEqual(second.snapshot);
      // the same write again answers as it did
      expect(await again.commit({ ...second, ack: 'ordered' })).toEqual({ kind: 'committed' });
    });

    it('within a commit leaves no session without a wake-up in time', async () => {
      for (let turns = 0; turns < 6; turns++) {
        const store = await bed().open();
        const now = await store.now();
        const first = await created(store, { wakeAt: now + 1_000 });
        const commit = stepAfter(first, now, { wakeAt: now + 3_600_000 });
        const cut = settleAll([store.commit(commit)]);
        for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
        await bed().crash();
        await cut;
        const again = await bed().open();
        const { version } = (await again.load(first.session_id))!;
        const wake = await again.wakeOf(first.session_id);
        expect(wake).not.toBeNull();
        expect(wake!).toBeLessThanOrEqual(version === 1 ? now + 1_000 : now + 3_600_000);
        expect((await again.commit(commit)).kind).toBe('committed');
        const settled = (await again.wakeOf(first.session_id))!;
        expect(settled).toBeLessThanOrEqual(now + 3_600_000);
        if (!capabilities.earlyWakes) expect(settled).toBe(now + 3_600_000);
        await stepped(again, commit.snapshot, { status: 'failed' });
        await again.close();
      }
    });

    it('under load keeps every step that was acknowledged, and no half of another', async () => {
      const store = await bed().open();
      const latest = new Map<string, number>();
      const state = { crashed: false };
      const live = async (): Promise<void> => {
        let snapshot = await created(store);
        while (!state.crashed) {
          latest.set(snapshot.session_id, snapshot.version);
          // whatever the driver does, time goes on
          await new Promise((resolve) => setImmediate(resolve));
          snapshot = await stepped(store, snapshot);
        }
      };
      const lives = settleAll(Array.from({ length: 50 }, live));
      while (Math.min(latest.size === 50 ? 99 : 0, ...latest.values()) < 5) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      state.crashed = true;
      await bed().crash();
      await lives;
      const again = await bed().open();
      for (const [id, version] of latest) {
        const snapshot = (await again.load(id))!;
        expect(snapshot.version).toBeGreaterThanOrEqual(version);
        const timeline = await again.timeline(id);
        expect(timeline.map((entry) => entry.seq)).toEqual(
          Array.from({ length: snapshot.timeline_seq }, (_, i) => i + 1),
        );
        expect(await again.history(id)).toHaveLength(snapshot.history_n);
        expect(await again.wakeOf(id)).not.toBeNull();
        await stepped(again, snapshot);
      }
    }, 30_000);
  });

  describe('close', () => {
    it('while busy: every write has happened or is refused', async () => {
      const store = await bed().open();
      const now = await store.now();
      const creations = Array.from({ length: 100 }, () => creationAt(now));
      const writes = settleAll(creations.map((creation) => store.create(creation)));
      await store.close();
      const settled = await writes;
      expectHappenedOrRefused(settled);
      const again = await bed().open();
      const there = await inParallel(100, (i) => again.load(creations[i]!.snapshot.session_id));
      for (const [i, one] of settled.entries()) if (one.ok) expect(there[i]).toEqual(creations[i]!.snapshot);
    });

    it('is followed by refusals', async () => {
      const store = await bed().open();
      const snapshot = await created(store);
      const id = snapshot.session_id;
      const now = await store.now();
      await store.ping();
      await store.close();
      const calls = [
        () => store.create(creationAt(now)),
        () => store.load(id),
        () => store.commit(stepAfter(snapshot, now)),
        () => store.isPending(id, 'x'),
        () => store.history(id),
        () => store.timeline(id),
        () => store.list({ tenant: 'default', limit: 1 }),
        () => store.lowerWake(id, now),
        () => store.moveWake(id, now, now),
        () => store.dueWakes(now, 1),
        () => store.nextWake(),
        () => store.wakeOf(id),
        () => store.putBlob(id, Buffer.from('x')),
        () => store.getBlob('blob:{x}:y'),
        () => store.expire(now, 1),
        () => store.drop(id),
        () => store.ping(),
      ];
      for (const call of calls) await expectRefused(call(), 'closed');
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
