import { describe, expect, it } from '@jest/globals';
import type { CommitReply, SessionStore } from '#state';
import { expectRefused } from '../contract/refusals.js';
import { deepFreeze } from '../deep-freeze.js';
import { applies, openSeveral } from '../contract/test-bed.js';
import {
  created,
  creationAt,
  inParallel,
  messageEntry,
  sightOf,
  stepAfter,
  stepped,
} from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

const COMMITTERS = 100;

/** Rule 2: one atomic compare-and-set per step. */
export const sessionCommitting = ({ bed, capabilities }: SessionSuite): void => {
  describe('commit', () => {
    it('replaces the snapshot and adds history and timeline', async () => {
      const store = await bed().open();
      const first = await created(store);
      const commit = stepAfter(first, await store.now());
      expect(await store.commit(commit)).toEqual({ kind: 'committed' });
      expect(await store.load(first.session_id)).toEqual(commit.snapshot);
      expect(await store.history(first.session_id)).toEqual(commit.history);
      const timeline = await store.timeline(first.session_id);
      expect(timeline.map((entry) => entry.seq)).toEqual([1, 2]);
      expect(timeline[1]).toMatchObject({
        type: 'message',
        time: new Date(commit.timeline[0]!.at).toISOString(),
      });
    });

    it('does not write the fixed part again', async () => {
      const store = await bed().open();
      const first = await created(store);
      const commit = stepAfter(first, await store.now());
      commit.snapshot = {
        ...commit.snapshot,
        fixed: { ...first.fixed, tenant: 'mallory', trace_id: 'f'.repeat(32) },
      };
      await store.commit(commit);
      expect((await store.load(first.session_id))!.fixed).toEqual(first.fixed);
    });

    it('forgets fields that the next snapshot has no more', async () => {
      const store = await bed().open();
      const first = await created(store);
      const second = await stepped(store, first, { change: { brain_state: { turn: 1 }, result: 'half' } });
      const { brain_state: _gone, result: _too, ...rest } = second;
      const third = await stepped(store, rest);
      expect(third).not.toHaveProperty('brain_state');
      expect(await store.load(first.session_id)).toEqual(third);
    });

    it('on a stale version answers with the current one and changes nothing', async () => {
      const store = await bed().open();
      const first = await created(store);
      const second = await stepped(store, first);
      const third = await stepped(store, second);
      const before = await sightOf(store, first.session_id);
      for (const stale of [first, second]) {
        expect(await store.commit(stepAfter(stale, await store.now()))).toEqual({
          kind: 'conflict',
          version: 3,
        });
      }
      expect(await sightOf(store, first.session_id)).toEqual(before);
      expect(await store.load(first.session_id)).toEqual(third);
    });

    it('on a version that is not there yet changes nothing', async () => {
      const store = await bed().open();
      const first = await created(store);
      const ahead = { ...stepAfter(first, await store.now()).snapshot };
      const before = await sightOf(store, first.session_id);
      expect(await store.commit(stepAfter(ahead, await store.now()))).toEqual({
        kind: 'conflict',
        version: 1,
      });
      expect(await sightOf(store, first.session_id)).toEqual(before);
    });

    it('of a session that is not there makes none', async () => {
      const store = await bed().open();
      const now = await store.now();
      const { snapshot } = creationAt(now);
      expect(await store.commit(stepAfter(snapshot, now))).toEqual({ kind: 'missing' });
      expect(await sightOf(store, snapshot.session_id)).toEqual({
        snapshot: null,
        history: [],
        timeline: [],
        wake: null,
      });
      expect(await store.dueWakes(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    });

    it('sent again after a lost reply is committed once', async () => {
      const store = await bed().open();
      const first = await created(store);
      const commit = stepAfter(first, await store.now());
      await store.commit(commit);
      const before = await sightOf(store, first.session_id);
      expect(await store.commit(commit)).toEqual({ kind: 'committed' });
      expect(await sightOf(store, first.session_id)).toEqual(before);
    });

    it('sent again when another came in between still says that it was committed', async () => {
      const store = await bed().open();
      const first = await created(store);
      const commit = stepAfter(first, await store.now());
      await store.commit(commit);
      await stepped(store, commit.snapshot);
      const before = await sightOf(store, first.session_id);
      expect(await store.commit(commit)).toEqual({ kind: 'committed' });
      const after = await sightOf(store, first.session_id);
      expect(after.wake).toBeLessThanOrEqual(before.wake as number);
      expect(after).toEqual(capabilities.earlyWakes ? { ...before, wake: after.wake } : before);
    });

    it('sent again after a restart is committed once', async () => {
      const store = await bed().open();
      const first = await created(store);
      const commit = stepAfter(first, await store.now());
      await store.commit(commit);
      const before = await sightOf(store, first.session_id);
      await store.close();
      const again = await bed().open();
      expect(await again.commit(commit)).toEqual({ kind: 'committed' });
      expect(await sightOf(again, first.session_id)).toEqual(before);
    });

    it('twice under way at once is committed once, and both hear so', async () => {
      const store = await bed().open();
      const first = await created(store);
      const commit = stepAfter(first, await store.now());
      expect(await Promise.all([store.commit(commit), store.commit(commit)])).toEqual([
        { kind: 'committed' },
        { kind: 'committed' },
      ]);
      expect(await store.timeline(first.session_id)).toHaveLength(2);
    });

    applies(capabilities.losesReplies, 'no reply can be lost between caller and data')(
      'whose reply is lost on the way has happened, and is sent again',
      async () => {
        const store = await bed().open();
        const first = await created(store);
        const commit = stepAfter(first, await store.now());
        bed().loseNextReply?.();
        await expectRefused(store.commit(commit), 'unavailable');
        expect(await store.commit(commit)).toEqual({ kind: 'committed' });
        expect(await store.load(first.session_id)).toEqual(commit.snapshot);
      },
    );

    it('keeps a history entry whose key is there already as it was', async () => {
      const store = await bed().open();
      const first = await created(store);
      const second = await stepped(store, first, { history: [messageEntry(1, 'step:flight', 'first')] });
      await stepped(store, second, {
        history: [messageEntry(2, 'step:flight', 'second'), messageEntry(3, 'step:hotel', 'other')],
      });
      const contents = (await store.history(first.session_id)).map((e) => [
        e.key,
        e.kind === 'message' && e.content,
      ]);
      expect(contents).toEqual([
        ['step:flight', 'first'],
        ['step:hotel', 'other'],
      ]);
    });

    it('changes neither what it was handed nor what it gave', async () => {
      const store = await bed().open();
      const first = await created(store);
      const given = deepFreeze((await store.load(first.session_id))!);
      const commit = deepFreeze(stepAfter(given, await store.now()));
      await store.commit(commit);
      const next = deepFreeze((await store.load(first.session_id))!);
      await stepped(store, next, { change: { brain_state: { turn: 1 } } });
      expect(given).toEqual(first);
      expect(next).toEqual(commit.snapshot);
    });
  });

  describe('committers at once', () => {
    it('on one version: one of them is committed', async () => {
      const stores = await openSeveral(bed(), capabilities, 3);
      const first = await created(stores[0]);
      const now = await stores[0].now();
      const commits = Array.from({ length: COMMITTERS }, () => stepAfter(first, now));
      const replies = await inParallel(COMMITTERS, (i) => stores[i % stores.length]!.commit(commits[i]!));
      expect(replies.filter((reply) => reply.kind === 'committed')).toHaveLength(1);
      expect(replies.filter((reply) => reply.kind === 'conflict')).toHaveLength(COMMITTERS - 1);
      for (const reply of replies) if (reply.kind === 'conflict') expect(reply.version).toBe(2);
      const winner = commits[replies.findIndex((reply) => reply.kind === 'committed')]!;
      expect(await stores[0].load(first.session_id)).toEqual(winner.snapshot);
      expect(await stores[0].history(first.session_id)).toHaveLength(1);
    });

    it('each trying until it is committed: versions, seq and history without gap or double', async () => {
      const stores = await openSeveral(bed(), capabilities, 3);
      const { session_id: id } = await created(stores[0]);
      const versions: number[] = [];
      const commitOnce = async (store: SessionStore, i: number): Promise<void> => {
        let reply: CommitReply;
        do {
          const before = (await store.load(id))!;
          const commit = stepAfter(before, await store.now(), {
            history: [messageEntry(before.history_n + 1, `by:${i}`, `of ${i}`)],
            timeline: [
              { type: 'message', payload: { by: i }, history_key: `by:${i}` },
              { type: 'status', payload: { status: 'waiting_tool', by: i } },
            ],
          });
          reply = await store.commit(commit);
          if (reply.kind === 'committed') versions.push(commit.snapshot.version);
        } while (reply.kind === 'conflict');
        expect(reply.kind).toBe('committed');
      };
      await inParallel(COMMITTERS, (i) => commitOnce(stores[i % stores.length]!, i));
      const upTo = (n: number, from: number) => Array.from({ length: n }, (_, i) => i + from);
      expect([...versions].sort((a, b) => a - b)).toEqual(upTo(COMMITTERS, 2));
      expect((await stores[0].load(id))!.version).toBe(COMMITTERS + 1);
      const history = await stores[0].history(id);
      expect(history.map((entry) => entry.n)).toEqual(upTo(COMMITTERS, 1));
      expect(new Set(history.map((entry) => entry.key)).size).toBe(COMMITTERS);
      const timeline = await stores[0].timeline(id);
      expect(timeline.map((entry) => entry.seq)).toEqual(upTo(2 * COMMITTERS + 1, 1));
    }, 30_000);
  });
};
