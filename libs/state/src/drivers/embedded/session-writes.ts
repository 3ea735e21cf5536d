import { isTerminal } from '#contracts';
import { keyPart, type Transaction } from '#engine';
import type { Commit, CommitReply, CreateReply, Creation } from '../../port.js';
import { mayBePutOff } from '../../put-off.js';
import { type RecentSnapshots } from './recent-snapshots.js';
import { type SessionReads } from './session-reads.js';
import {
  creationKey,
  encodeFixed,
  encodeHead,
  encodeStep,
  endingKey,
  historyRowKey,
  type SessionTables,
  stepKey,
  stepToken,
} from './session-rows.js';
import { type WakeRows } from './wake-rows.js';

/** The creation and the commits of sessions, each within one move. */
export class SessionWrites {
  constructor(
    private readonly tables: SessionTables,
    private readonly reads: SessionReads,
    private readonly wakes: WakeRows,
    private readonly recent: RecentSnapshots,
  ) {}

  create(tx: Transaction, { snapshot, timeline, wakeAt }: Creation): CreateReply {
    const { tables } = this;
    const session = keyPart(snapshot.session_id);
    const existing = this.reads.load(tx, session);
    if (existing) return { kind: 'exists', snapshot: existing };
    const fixed = encodeFixed(snapshot.fixed);
    const head = encodeHead(snapshot, wakeAt);
    tx.put(tables.fixed, session, fixed, true);
    tx.put(tables.heads, session, head, true);
    this.recent.add(tx, session, snapshot, head.length + fixed.length);
    tx.put(
      tables.steps,
      stepKey(session, snapshot.version),
      encodeStep(snapshot.timeline_seq, '', timeline, []),
      true,
    );
    const { tenant, created_at } = snapshot.fixed;
    tx.put(tables.creations, creationKey(tenant, created_at, session), snapshot.session_id, true);
    this.wakes.set(tx, session, snapshot.session_id, wakeAt);
    if (isTerminal(snapshot.status))
      tx.put(tables.endings, endingKey(snapshot.updated_at, session), snapshot.session_id, true);
    return { kind: 'created' };
  }

  commit(
    tx: Transaction,
    { token, expectedVersion, snapshot, history, timeline, wakeAt }: Commit,
  ): CommitReply {
    const { tables } = this;
    const session = keyPart(snapshot.session_id);
    const stored = this.reads.line(tx, session);
    if (stored === undefined) return { kind: 'missing' };
    if (stored.version !== expectedVersion) {
      // the same commit again, its first reply was lost: the step that it made bears its token
      const step = tx.get(tables.steps, stepKey(session, snapshot.version));
      if (step !== undefined && stepToken(step) === token) return { kind: 'committed' };
      // whoever committed from it looks again
      this.recent.forget(session);
      return { kind: 'conflict', version: stored.version };
    }

    const added = history.filter(({ key }, i) => {
      const row = historyRowKey(session, key);
      const first = history.findIndex((other) => other.key === key) === i;
      if (!first || tx.get(tables.historyKeys, row) !== undefined) return false;
      tx.put(tables.historyKeys, row, String(snapshot.version), true);
      return true;
    });
    const keep = this.recent.follow(tx, session);
    tx.put(tables.heads, session, encodeHead(snapshot, wakeAt));
    keep(snapshot, isTerminal(snapshot.status));
    tx.put(
      tables.steps,
      stepKey(session, snapshot.version),
      encodeStep(snapshot.timeline_seq, token, timeline, added),
      true,
    );
    const before = this.wakes.of(tx, session);
    const kept = before !== null && wakeAt !== null && before < wakeAt && mayBePutOff(snapshot);
    this.wakes.set(tx, session, snapshot.session_id, kept ? before : wakeAt);
    // a later commit of a session that has ended would move the time from which it is kept
    if (isTerminal(stored.status)) tx.del(tables.endings, endingKey(stored.updatedAt, session));
    if (isTerminal(snapshot.status))
      tx.put(tables.endings, endingKey(snapshot.updated_at, session), snapshot.session_id, true);
    return { kind: 'committed' };
  }
}
