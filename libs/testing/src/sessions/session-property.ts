import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type HistoryEntry, type PendingIntent, type Snapshot, isTerminal } from '#contracts';
import type { Commit, CommitReply, SessionStore } from '#state';
import { freshName } from '../fresh-name.js';
import { propertyRuns } from '../contract/seed.js';
import { creationAt, messageEntry, stepAfter } from './session-fixtures.js';
import type { SessionSuite } from './session-suite.js';

const RUNS = 120;
const LONGEST = 30;
const SESSIONS = 3;

type Move = { session: number; twice: boolean } & (
  | { kind: 'create'; wake: number }
  | { kind: 'commit'; stale: number; wake: number; key: number; ends: boolean }
  | { kind: 'lower'; wake: number }
  | { kind: 'move'; hit: boolean; wake: number }
  | { kind: 'restart' }
  | { kind: 'crash' }
);

const wake = fc.nat({ max: 100 });
const anyMove: fc.Arbitrary<Move> = fc
  .tuple(
    fc.nat({ max: SESSIONS - 1 }),
    fc.boolean(),
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('create' as const), wake }) },
      {
        weight: 12,
        arbitrary: fc.record({
          kind: fc.constant('commit' as const),
          stale: fc.constantFrom(0, 0, 0, 0, -1, 1),
          wake,
          key: fc.nat({ max: 5 }),
          ends: fc.nat({ max: 15 }).map((n) => n === 0),
        }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('lower' as const), wake }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('move' as const), hit: fc.boolean(), wake }) },
      { weight: 1, arbitrary: fc.constantFrom({ kind: 'restart' as const }, { kind: 'crash' as const }) },
    ),
  )
  .map(([session, twice, rest]) => ({ session, twice, ...rest }));

/** What the port promises of one session, as a reference. */
interface ModelSession {
  snapshot: Snapshot;
  history: Map<string, HistoryEntry>;
  seqs: number;
  wake: number | null;
  /** every intent that it ever waited for */
  intents: PendingIntent[];
}

class Run {
  private readonly ids = Array.from({ length: SESSIONS }, () => freshName('sess'));
  private readonly sessions = new Map<string, ModelSession>();

  constructor(
    private readonly suite: SessionSuite,
    private store: SessionStore,
    private readonly start: number,
  ) {}

  async play(moves: readonly Move[]): Promise<SessionStore> {
    for (const move of moves) {
      const again = await this.one(move);
      if (again !== undefined && move.twice) await again();
      await this.compare();
    }
    await this.compareAll();
    return this.store;
  }

  /** Makes the move in both; returns the same move as sent again, if it can be. */
  private async one(move: Move): Promise<(() => Promise<void>) | undefined> {
    const { store, start } = this;
    const id = this.ids[move.session]!;
    const session = this.sessions.get(id);
    const open = session !== undefined && session.wake !== null;
    switch (move.kind) {
      case 'restart':
        await store.close();
        this.store = await this.suite.bed().open();
        return undefined;
      case 'crash':
        await this.suite.bed().crash();
        this.store = await this.suite.bed().open();
        return undefined;
      case 'create': {
        const creation = creationAt(start, { id, wakeAt: start + move.wake });
        const reply = await store.create(creation);
        if (session === undefined) {
          expect(reply).toEqual({ kind: 'created' });
          const { snapshot, wakeAt } = creation;
          this.sessions.set(id, { snapshot, history: new Map(), seqs: 1, wake: wakeAt, intents: [] });
        } else expect(reply).toEqual({ kind: 'exists', snapshot: session.snapshot });
        return async () => {
          await store.create(creation);
        };
      }
      case 'commit': {
        const commit = this.commitOf(id, session, move);
        const expected = this.apply(session, commit);
        expect(await store.commit(commit)).toEqual(expected);
        // a repeat of what was refused may meet its version by then; of what was committed it is committed
        return async () => expect(await store.commit(commit)).toEqual(expected);
      }
      case 'lower': {
        const at = start + move.wake;
        await store.lowerWake(id, at);
        if (open && session.wake! > at) session.wake = at;
        return () => store.lowerWake(id, at);
      }
      case 'move': {
        const from = move.hit && open ? session.wake! : start - 1;
        const to = start + move.wake;
        const moved = await store.moveWake(id, from, to);
        expect(moved).toBe(open && move.hit);
        if (open && move.hit) session.wake = to;
        return async () => {
          await store.moveWake(id, from, to);
        };
      }
    }
  }

  private commitOf(id: string, session: ModelSession | undefined, move: Move & { kind: 'commit' }): Commit {
    const { start } = this;
    const latest = session?.snapshot ?? creationAt(start, { id }).snapshot;
    // nothing is committed to an ended session; such a step comes too late and is stale
    const ended = isTerminal(latest.status);
    const version = Math.max(1, latest.version + (ended ? -1 : move.stale));
    const history = [messageEntry(latest.history_n + 1, `key:${move.key}`, `of ${latest.version}`)];
    const known = session?.history.has(`key:${move.key}`) === true;
    const commit = stepAfter({ ...latest, version }, start, {
      status: move.ends ? 'completed' : 'waiting_tool',
      wakeAt: move.ends ? null : start + move.wake,
      history,
    });
    if (known) commit.snapshot.history_n = latest.history_n;
    return commit;
  }

  private apply(session: ModelSession | undefined, commit: Commit): CommitReply {
    if (session === undefined) return { kind: 'missing' };
    if (session.snapshot.version !== commit.expectedVersion) {
      return { kind: 'conflict', version: session.snapshot.version };
    }
    session.snapshot = commit.snapshot;
    session.intents.push(...commit.snapshot.pending);
    for (const entry of commit.history)
      if (!session.history.has(entry.key)) session.history.set(entry.key, entry);
    session.seqs += commit.timeline.length;
    session.wake = commit.wakeAt;
    return { kind: 'committed' };
  }

  private async compare(): Promise<void> {
    const wakes = [];
    for (const id of this.ids) {
      const session = this.sessions.get(id);
      expect(await this.store.load(id)).toEqual(session?.snapshot ?? null);
      const at = await this.store.wakeOf(id);
      // a refused commit may have lowered the entry, never raised or removed it
      if (session?.wake === undefined || session.wake === null) expect(at).toBeNull();
      else {
        expect(at).not.toBeNull();
        expect(at!).toBeLessThanOrEqual(session.wake);
        session.wake = at;
        wakes.push({ sessionId: id, at: at! });
      }
    }
    const mine = (await this.store.dueWakes(Number.MAX_SAFE_INTEGER, 10_000)).filter(({ sessionId }) =>
      this.ids.includes(sessionId),
    );
    expect(mine.map((entry) => entry.at)).toEqual(wakes.map((entry) => entry.at).sort((a, b) => a - b));
    expect(new Set(mine.map((entry) => entry.sessionId)).size).toBe(mine.length);
  }

  private async compareAll(): Promise<void> {
    for (const [id, session] of this.sessions) {
      expect(await this.store.history(id)).toEqual([...session.history.values()]);
      const timeline = await this.store.timeline(id);
      expect(timeline.map((entry) => entry.seq)).toEqual(
        Array.from({ length: session.seqs }, (_, i) => i + 1),
      );
      for (const { intent_id: intent, digest } of session.intents) {
        const waits = session.snapshot.pending.some((pending) => pending.intent_id === intent);
        expect(await this.store.isPending(id, intent)).toEqual(
          waits ? { kind: 'pending', digest, cancelRequested: false } : { kind: 'not_pending' },
        );
      }
    }
  }
}

/** Random creations, steps and wake-ups of several sessions, restarts and crashes included, against a reference. */
export const sessionProperty = (suite: SessionSuite): void => {
  describe('random writes', () => {
    it('answer and leave what the model says', async () => {
      let store = await suite.bed().open();
      const start = await store.now();
      await fc.assert(
        fc.asyncProperty(fc.array(anyMove, { maxLength: LONGEST, size: 'max' }), async (moves) => {
          const run = new Run(suite, store, start);
          try {
            store = await run.play(moves);
          } catch (error) {
            // the next run needs an instance that is open
            await suite.bed().crash();
            store = await suite.bed().open();
            throw error;
          }
        }),
        propertyRuns('sessions, random writes', RUNS * suite.capabilities.randomRuns),
      );
    }, 120_000);
  });
};
