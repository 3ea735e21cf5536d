import { describe, expect, it } from '@jest/globals';
import { type HistoryEntry, type Outcome, RECORD_VERSION } from '#contracts';
import { applies } from '../contract/test-bed.js';
import { created, messageEntry, pendingIntent, stepAfter, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

const outcome: Outcome = {
  status: 'failed',
  result: null,
  error: { code: 'tool_failed', message: 'no such table: user', retryable: false, details: { line: 1 } },
  attempts: 5,
  started_at: '2026-01-27T10:00:00.000Z',
  duration_ms: 3.25,
};

/** What a step, a client and a dispatcher read of one session. */
export const sessionReading = ({ bed, capabilities }: SessionSuite): void => {
  describe('lastSeen', () => {
    it('is what was written or read here last, or nothing', async () => {
      const store = await bed().open();
      let before = await created(store);
      const id = before.session_id;
      for (let i = 0; i < 3; i++) {
        expect([undefined, await store.load(id)]).toContainEqual(store.lastSeen(id));
        const intruding = stepAfter(before, await store.now());
        intruding.snapshot = { ...intruding.snapshot, fixed: { ...before.fixed, tenant: 'mallory' } };
        expect((await store.commit(intruding)).kind).toBe('committed');
        const seen = store.lastSeen(id);
        before = (await store.load(id))!;
        expect([undefined, before]).toContainEqual(seen);
      }
      await stepped(store, before, { status: 'completed' });
      expect(store.lastSeen(id)).toBeUndefined();
      expect(store.lastSeen('sess-NEVER')).toBeUndefined();
    });

    it('is nothing after a commit that was refused', async () => {
      const store = await bed().open();
      const first = await created(store);
      await stepped(store, first);
      expect((await store.commit(stepAfter(first, await store.now()))).kind).toBe('conflict');
      expect(store.lastSeen(first.session_id)).toBeUndefined();
    });
  });

  describe('isPending', () => {
    it('answers with the digest while the session waits for the intent', async () => {
      const store = await bed().open();
      const first = await created(store);
      const second = await stepped(store, first);
      const pending = second.pending[0]!;
      expect(await store.isPending(second.session_id, pending.intent_id)).toEqual({
        kind: 'pending',
        digest: pending.digest,
        cancelRequested: false,
      });
      expect(await store.isPending(second.session_id, `${second.session_id}.9.9`)).toEqual({
        kind: 'not_pending',
      });
    });

    it('tells of a cancel that was asked for', async () => {
      const store = await bed().open();
      const second = await stepped(store, await created(store));
      const pending = second.pending;
      await stepped(store, second, {
        change: { pending, cancel_requested: { compensate: false, at: await store.now() } },
      });
      expect(await store.isPending(second.session_id, pending[0]!.intent_id)).toMatchObject({
        kind: 'pending',
        cancelRequested: true,
      });
    });

    it('says no once the outcome was applied', async () => {
      const store = await bed().open();
      const second = await stepped(store, await created(store));
      await stepped(store, second);
      expect(await store.isPending(second.session_id, second.pending[0]!.intent_id)).toEqual({
        kind: 'not_pending',
      });
    });

    it('says no when the session has ended, whatever it waited for', async () => {
      const store = await bed().open();
      const second = await stepped(store, await created(store));
      const pending = [pendingIntent(second.session_id, 7, await store.now())];
      await stepped(store, second, { status: 'failed', change: { pending } });
      expect(await store.isPending(second.session_id, pending[0]!.intent_id)).toEqual({
        kind: 'not_pending',
      });
    });

    it('answers from the latest commit', async () => {
      const store = await bed().open();
      let snapshot = await created(store);
      for (let i = 0; i < 20; i++) {
        const before = snapshot;
        snapshot = await stepped(store, snapshot);
        expect((await store.isPending(snapshot.session_id, snapshot.pending[0]!.intent_id)).kind).toBe(
          'pending',
        );
        for (const old of before.pending) {
          expect((await store.isPending(snapshot.session_id, old.intent_id)).kind).toBe('not_pending');
        }
      }
    });
  });

  describe('history', () => {
    const withMany = async () => {
      const store = await bed().open();
      const first = await created(store);
      const keys = [
        'input',
        'brain:1',
        'result:a',
        'step:é',
        'undo:a/b',
        'Z',
        'a',
        '10',
        '9',
        ''.padEnd(200, 'k'),
      ];
      const entries = keys.map((key, i) => messageEntry(i + 1, key, `of ${key}`));
      const second = await stepped(store, first, { history: entries.slice(0, 4) });
      await stepped(store, second, { history: entries.slice(4) });
      return { store, id: first.session_id, entries };
    };

    it('comes in order of n', async () => {
      const { store, id, entries } = await withMany();
      expect(await store.history(id)).toEqual(entries);
    });

    it('by keys gives only those, in order of n, and leaves out what is not there', async () => {
      const { store, id, entries } = await withMany();
      const [input, , result, step] = entries;
      expect(await store.history(id, ['step:é', 'nothing', 'input', 'result:a'])).toEqual([
        input,
        result,
        step,
      ]);
      expect(await store.history(id, [])).toEqual([]);
      expect(await store.history('sess-nobody', ['input'])).toEqual([]);
    });

    it('keeps every kind of entry as it was', async () => {
      const store = await bed().open();
      const first = await created(store);
      const entries: HistoryEntry[] = [
        messageEntry(1, 'input', ''),
        {
          v: RECORD_VERSION,
          key: 'brain:1',
          n: 2,
          kind: 'brain',
          content: { text: 'π \u0000', calls: [null, 1e300, -0.5, []] },
        },
        {
          v: RECORD_VERSION,
          key: 'r',
          n: 3,
          kind: 'observation',
          intent_id: 'i',
          tool: 't',
          call: 'step:r',
          outcome,
        },
      ];
      await stepped(store, first, { history: entries });
      expect(await store.history(first.session_id)).toEqual(entries);
    });
  });

  describe('timeline', () => {
    it('joins payloads with the history that they refer to', async () => {
      const store = await bed().open();
      const first = await created(store);
      await stepped(store, first, {
        history: [
          messageEntry(1, 'input', 'hello'),
          { v: RECORD_VERSION, key: 'brain:1', n: 2, kind: 'brain', content: { text: 'hm' } },
          { v: RECORD_VERSION, key: 'step:a', n: 3, kind: 'observation', intent_id: 'i', tool: 't', outcome },
        ],
        timeline: [
          { type: 'message', payload: { role: 'user' }, history_key: 'input' },
          { type: 'decision', payload: { step: 1 }, history_key: 'brain:1' },
          { type: 'observation', payload: { intent_id: 'i', tool_name: 't' }, history_key: 'step:a' },
          { type: 'status', payload: { status: 'waiting_tool' } },
        ],
      });
      const timeline = (await store.timeline(first.session_id)).slice(1);
      expect(timeline.map((entry) => entry.type)).toEqual(['message', 'decision', 'observation', 'status']);
      const payloads = timeline.map((entry) => entry.payload as Record<string, unknown>);
      expect(payloads[0]).toEqual({ role: 'user', content: 'hello' });
      expect(payloads[1]).toEqual({ step: 1, content: { text: 'hm' } });
      expect(payloads[2]).toEqual({ intent_id: 'i', tool_name: 't', ...outcome });
      expect(payloads[3]).toEqual({ status: 'waiting_tool' });
    });

    it('joins with the first entry under a key that came twice', async () => {
      const store = await bed().open();
      const first = await created(store);
      const second = await stepped(store, first, { history: [messageEntry(1, 'k', 'first')], timeline: [] });
      await stepped(store, second, {
        history: [messageEntry(2, 'k', 'second')],
        timeline: [{ type: 'message', payload: {}, history_key: 'k' }],
      });
      expect((await store.timeline(first.session_id))[1]!.payload).toEqual({ content: 'first' });
    });

    it('is paged by seq without gap or double, wherever a page ends', async () => {
      const store = await bed().open();
      let snapshot = await created(store);
      for (let i = 0; i < 30; i++) {
        const entries = Array.from({ length: i % 4 }, (_, j) => ({
          type: 'status' as const,
          payload: { i, j },
        }));
        snapshot = await stepped(store, snapshot, { timeline: entries, history: [] });
      }
      const all = await store.timeline(snapshot.session_id);
      expect(all.map((entry) => entry.seq)).toEqual(
        Array.from({ length: snapshot.timeline_seq }, (_, i) => i + 1),
      );
      for (const limit of [1, 2, 3, 7, 1_000]) {
        const paged = [];
        for (let after = 0; ;) {
          const page = await store.timeline(snapshot.session_id, { after, limit });
          expect(page.length).toBeLessThanOrEqual(limit);
          if (page.length === 0) break;
          paged.push(...page);
          after = page.at(-1)!.seq;
        }
        expect(paged).toEqual(all);
      }
      expect(await store.timeline(snapshot.session_id, { after: 10 })).toEqual(all.slice(10));
      expect(await store.timeline(snapshot.session_id, { after: snapshot.timeline_seq })).toEqual([]);
      expect(await store.timeline(snapshot.session_id, { limit: 4 })).toEqual(all.slice(0, 4));
    });
  });

  applies(capabilities.countsTouched, 'rows touched can not be counted')(
    'the cost of a commit does not grow with the session',
    async () => {
      const store = await bed().open();
      let snapshot = await created(store);
      const costs: number[] = [];
      for (let i = 0; i < 400; i++) {
        const commit = stepAfter(snapshot, await store.now());
        const before = bed().touched!();
        await store.commit(commit);
        costs.push(bed().touched!() - before);
        snapshot = commit.snapshot;
      }
      expect(costs.every((cost) => cost > 0)).toBe(true);
      expect(Math.max(...costs.slice(-50))).toBeLessThanOrEqual(Math.max(...costs.slice(0, 10)));
    },
    30_000,
  );
};
