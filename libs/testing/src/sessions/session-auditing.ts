import { describe, expect, it } from '@jest/globals';
import { type AuditNotes, NO_NOTES, type SessionStore, type WakeLook, type WakeViolation } from '#state';
import { applies } from '../contract/test-bed.js';
import { eventually } from '../eventually.js';
import { created, inParallel, stepped } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

const LATE_MS = 60_000;
/** Large enough to get through a server that other tests fill meanwhile. */
const LIMIT = 1_000;
const TURN_MS = 500;

/** A whole pass. What came twice while the server was busy with itself is counted as often. */
const passOver = async ({ audit }: SessionStore, limit = LIMIT): Promise<Omit<WakeLook, 'next'>> => {
  const sessions: WakeLook['sessions'] = {};
  const violations: WakeViolation[] = [];
  let place: string | null = null;
  do {
    const look: WakeLook = await audit.look({ place, limit, lateMs: LATE_MS });
    for (const [status, count] of Object.entries(look.sessions) as ['queued', number][])
      sessions[status] = (sessions[status] ?? 0) + count;
    violations.push(...look.violations);
    place = look.next;
  } while (place !== null);
  return { sessions, violations };
};

/** The audit finds every wake-up that breaks rule 9, and repairs it without meeting a step. */
export const sessionAuditing = ({ bed, capabilities }: SessionSuite): void => {
  const opened = async () => {
    const store = await bed().open();
    return { store, now: await store.now(), wakes: bed().wakes };
  };
  /** What a pass finds about one session. */
  const foundOf = async (store: SessionStore, sessionId: string): Promise<WakeViolation[]> =>
    (await passOver(store)).violations.filter((violation) => violation.sessionId === sessionId);
  const only = async (store: SessionStore, sessionId: string): Promise<WakeViolation> => {
    const [first, ...others] = await foundOf(store, sessionId);
    if (first === undefined || others.length > 0) throw new Error(`found ${others.length + (first ? 1 : 0)}`);
    return first;
  };

  describe('a pass of the audit', () => {
    it.each([LIMIT, 50])(
      'finds nothing where all is right, and counts what has not ended (%d at once)',
      async (limit) => {
        const { store } = await opened();
        await inParallel(60, () => created(store));
        for (let i = 0; i < 3; i++) await stepped(store, await created(store));
        await stepped(store, await created(store), { status: 'parked' });
        await stepped(store, await created(store), { status: 'completed' });
        const { sessions, violations } = await passOver(store, limit);
        expect(violations).toEqual([]);
        expect(Object.keys(sessions).sort()).toEqual(['parked', 'queued', 'waiting_tool']);
        expect(sessions.queued).toBeGreaterThanOrEqual(60);
        expect(sessions.waiting_tool).toBeGreaterThanOrEqual(3);
      },
    );

    it('finds nothing in an empty store', async () => {
      const { store } = await opened();
      expect(await passOver(store)).toEqual({ sessions: {}, violations: [] });
    });

    it('finds each wrong one among many', async () => {
      const { store, wakes } = await opened();
      const all = await inParallel(120, () => created(store));
      const damaged = all.filter((_, i) => i % 20 === 7).map(({ session_id }) => session_id);
      for (const id of damaged) await wakes.remove(id);
      const { violations } = await passOver(store, 50);
      expect(new Set(violations.map(({ sessionId }) => sessionId))).toEqual(new Set(damaged));
    });

    it('takes nothing that a commit or a sweeper sets for late', async () => {
      const { store, now, wakes } = await opened();
      const soon = await created(store, { wakeAt: now + 1_000 });
      const far = await stepped(store, await created(store), { wakeAt: now + 90 * 86_400_000 });
      await wakes.set(soon.session_id, now + LATE_MS - 100);
      await wakes.set(far.session_id, now + 90 * 86_400_000 + LATE_MS - 100);
      expect((await passOver(store)).violations).toEqual([]);
    });
  });

  describe('the audit repairs', () => {
    it('a missing wake-up: the session is looked at at once', async () => {
      const { store, wakes } = await opened();
      const { session_id: id, version } = await stepped(store, await created(store));
      await wakes.remove(id);
      const violation = await only(store, id);
      expect(violation).toEqual({ fault: 'missing', sessionId: id, at: null, version });
      const before = await store.now();
      expect(await store.audit.repair(violation)).toBe(true);
      const at = (await store.wakeOf(id)) ?? 0;
      expect(at).toBeGreaterThanOrEqual(before);
      const now = await store.now();
      expect(at).toBeLessThanOrEqual(now);
      expect(await store.dueWakes(now, 10)).toEqual([{ sessionId: id, at }]);
      expect(await foundOf(store, id)).toEqual([]);
      expect(await store.audit.repair(violation)).toBe(false);
    });

    it('that of a session whose id is not of our form', async () => {
      const { store, wakes } = await opened();
      const { session_id: id } = await created(store, { id: `an odd {id} ${Date.now()}` });
      await wakes.remove(id);
      expect(await store.audit.repair(await only(store, id))).toBe(true);
      expect(await store.wakeOf(id)).not.toBeNull();
    });

    it('one that is far too late', async () => {
      const { store, now, wakes } = await opened();
      const { session_id: id } = await created(store, { wakeAt: now + 15_000 });
      const at = now + 15_000 + 10 * LATE_MS;
      await wakes.set(id, at);
      const violation = await only(store, id);
      expect(violation).toMatchObject({ fault: 'late', at });
      expect(await store.audit.repair(violation)).toBe(true);
      expect((await store.wakeOf(id))!).toBeLessThanOrEqual(await store.now());
      expect(await foundOf(store, id)).toEqual([]);
    });

    it('one of a session that has ended: it goes', async () => {
      const { store, now, wakes } = await opened();
      const { session_id: id } = await stepped(store, await created(store), { status: 'failed' });
      await wakes.set(id, now + 5_000);
      const violation = await only(store, id);
      expect(violation).toMatchObject({ fault: 'orphaned', at: now + 5_000 });
      expect(await store.audit.repair(violation)).toBe(true);
      expect(await store.wakeOf(id)).toBeNull();
      expect(await store.nextWake()).toBeNull();
      expect(await foundOf(store, id)).toEqual([]);
    });

    it('one of nobody, where there can be such', async () => {
      const { store, now, wakes } = await opened();
      if (!wakes.strays) return;
      await wakes.set('sess-nobody', now + 5_000);
      const violation = await only(store, 'sess-nobody');
      expect(violation).toMatchObject({ fault: 'orphaned', version: null });
      expect(await store.audit.repair(violation)).toBe(true);
      expect(await store.nextWake()).toBeNull();
    });

    it('a second one where nobody looks, and leaves the first, where there can be such', async () => {
      const { store, now, wakes } = await opened();
      if (wakes.misplace === undefined) return;
      const { session_id: id } = await created(store, { wakeAt: now + 15_000 });
      await wakes.misplace(id, now + 7_000);
      const violation = await only(store, id);
      expect(violation).toMatchObject({ fault: 'misplaced', at: now + 7_000 });
      expect(await store.audit.repair(violation)).toBe(true);
      expect(await store.wakeOf(id)).toBe(now + 15_000);
      expect(await foundOf(store, id)).toEqual([]);
      expect(await store.dueWakes(now + 60_000, 10)).toEqual([{ sessionId: id, at: now + 15_000 }]);
    });
  });

  describe('the audit leaves', () => {
    it('a session that has gone on since it was seen', async () => {
      const { store, now, wakes } = await opened();
      const first = await created(store);
      await wakes.remove(first.session_id);
      const violation = await only(store, first.session_id);
      await stepped(store, first, { wakeAt: now + 60_000 });
      expect(await store.audit.repair(violation)).toBe(false);
      if (!capabilities.earlyWakes) expect(await store.wakeOf(first.session_id)).toBe(now + 60_000);
    });

    it('a session that has ended since', async () => {
      const { store, wakes } = await opened();
      const first = await created(store);
      await wakes.remove(first.session_id);
      const violation = await only(store, first.session_id);
      await stepped(store, first, { status: 'completed' });
      expect(await store.audit.repair(violation)).toBe(false);
      expect(await store.wakeOf(first.session_id)).toBeNull();
    });

    it('an entry that somebody moved since', async () => {
      const { store, now, wakes } = await opened();
      const { session_id: id } = await created(store, { wakeAt: now + 15_000 });
      await wakes.set(id, now + 15_000 + 10 * LATE_MS);
      const violation = await only(store, id);
      await store.lowerWake(id, now + 500);
      expect(await store.audit.repair(violation)).toBe(false);
      expect(await store.wakeOf(id)).toBe(now + 500);
    });

    it('an early entry to whoever repairs first, of several at once, while the session goes on', async () => {
      const { store, now, wakes } = await opened();
      let snapshot = await created(store);
      const { session_id: id } = snapshot;
      for (let round = 1; round <= 10; round++) {
        await wakes.remove(id);
        const [violation] = await foundOf(store, id);
        // whoever committed last has only now made up for it
        if (violation === undefined) continue;
        const own = now + 100_000 + round;
        const [next, ...repaired] = await Promise.all([
          stepped(store, snapshot, { wakeAt: own }),
          ...Array.from({ length: 5 }, () => store.audit.repair(violation)),
        ]);
        expect(repaired.filter(Boolean).length).toBeLessThanOrEqual(1);
        const at = await eventually(() => store.wakeOf(id));
        expect(at).toBeLessThanOrEqual(own);
        snapshot = next;
      }
    });
  });

  describe('the turn of the audit', () => {
    const notes: AuditNotes = {
      place: 'somewhere|7',
      pass: { startedAt: 5, sessions: { queued: 3 }, repaired: { missing: 1 } },
      last: { startedAt: 1, finishedAt: 4, sessions: { parked: 2 }, repaired: {} },
    };

    it('is given, and its notes are kept', async () => {
      const { store } = await opened();
      expect(await store.audit.notes()).toEqual(NO_NOTES);
      expect(await store.audit.take('a:1', TURN_MS)).toEqual({ mine: true, notes: NO_NOTES });
      expect(await store.audit.keep('a:1', TURN_MS, notes)).toBe(true);
      expect(await store.audit.notes()).toEqual(notes);
      expect(await store.audit.take('a:1', TURN_MS)).toEqual({ mine: true, notes });
    });

    applies(capabilities.shared, 'one process has the store')(
      'is one process’s at a time, and goes to another when that is silent',
      async () => {
        const { store } = await opened();
        const other = await bed().open();
        expect((await store.audit.take('a:1', 60_000)).mine).toBe(true);
        expect(await other.audit.take('b:1', TURN_MS)).toEqual({ mine: false, notes: NO_NOTES });
        expect(await other.audit.keep('b:1', TURN_MS, notes)).toBe(false);
        expect(await store.audit.keep('a:1', TURN_MS, notes)).toBe(true);
        await bed().advance(TURN_MS + 1);
        await eventually(async () => (await other.audit.take('b:1', 60_000)).mine);
        expect(await store.audit.keep('a:1', TURN_MS, NO_NOTES)).toBe(false);
        expect(await store.audit.take('a:1', TURN_MS)).toEqual({ mine: false, notes });
      },
    );
  });
};
