import { type HistoryEntry, isTerminal, type Snapshot, type TimelineEntry } from '#contracts';
import { type View } from '#engine';
import type { PendingReply, TimelinePageQuery } from '../../port.js';
import { presentEntry } from '../../present-entry.js';
import { type RecentSnapshots } from './recent-snapshots.js';
import {
  decodeHeadLine,
  decodePending,
  decodeSnapshot,
  decodeStep,
  hasEnded,
  type HeadLine,
  historyRowKey,
  type SessionTables,
  type Step,
  stepKey,
  stepSeq,
} from './session-rows.js';

const pendingOf = ({ pending, cancel_requested }: Snapshot, intentId: string): PendingReply => {
  const intent = pending.find(({ intent_id }) => intent_id === intentId);
  return intent === undefined
    ? { kind: 'not_pending' }
    : { kind: 'pending', digest: intent.digest, cancelRequested: cancel_requested !== undefined };
};

/** Looks at one session; `session` is its part of a key. */
export class SessionReads {
  constructor(
    private readonly tables: SessionTables,
    private readonly recent: RecentSnapshots,
  ) {}

  load(view: View, session: string): Snapshot | null {
    const recent = this.recent.get(view, session);
    if (recent !== undefined) return recent;
    const head = view.get(this.tables.heads, session);
    if (head === undefined) return null;
    const fixed = view.get(this.tables.fixed, session);
    if (fixed === undefined) return null;
    const snapshot = decodeSnapshot(head, fixed);
    if (!isTerminal(snapshot.status)) this.recent.add(view, session, snapshot, head.length + fixed.length);
    return snapshot;
  }

  /** The line of the stored head, whose versions count for what is written next. */
  line(view: View, session: string): Omit<HeadLine, 'v' | 'ownAt'> | undefined {
    const recent = this.recent.get(view, session);
    if (recent !== undefined)
      return { version: recent.version, status: recent.status, updatedAt: recent.updated_at };
    const text = view.get(this.tables.heads, session);
    return text === undefined ? undefined : decodeHeadLine(text);
  }

  isPending(view: View, session: string, intentId: string): PendingReply {
    const recent = this.recent.get(view, session);
    if (recent !== undefined) return pendingOf(recent, intentId);
    const text = view.get(this.tables.heads, session);
    if (text === undefined) return { kind: 'no_session' };
    if (hasEnded(decodeHeadLine(text))) return { kind: 'not_pending' };
    const pending = decodePending(text, intentId);
    return pending ? { kind: 'pending', ...pending } : { kind: 'not_pending' };
  }

  history(view: View, session: string, keys?: readonly string[]): HistoryEntry[] {
    const entries = keys ? this.historyOf(view, session, keys) : this.wholeHistory(view, session);
    return entries.sort((a, b) => a.n - b.n);
  }

  timeline(view: View, session: string, { after = 0, limit = Infinity }: TimelinePageQuery): TimelineEntry[] {
    const latest = this.version(view, session);
    const page: TimelineEntry[] = [];
    const seen = new Map<string, HistoryEntry | undefined>();
    const joined = (key: string): HistoryEntry | undefined => {
      if (!seen.has(key)) seen.set(key, this.historyOf(view, session, [key])[0]);
      return seen.get(key);
    };
    for (let version = this.firstAfter(view, session, latest, after); version <= latest; version++) {
      const step = this.step(view, session, version);
      for (const entry of step?.history ?? []) seen.set(entry.key, entry);
      for (const entry of step?.timeline ?? []) {
        if (entry.seq <= after) continue;
        if (page.length >= limit) return page;
        page.push(
          presentEntry(entry, entry.history_key === undefined ? undefined : joined(entry.history_key)),
        );
      }
    }
    return page;
  }

  /** 0: there is no such session. */
  private version(view: View, session: string): number {
    return this.line(view, session)?.version ?? 0;
  }

  /** The first version whose step may hold a later entry than `seq`: the steps' seqs never go back. */
  private firstAfter(view: View, session: string, latest: number, seq: number): number {
    let low = 1;
    let high = latest + 1;
    while (seq > 0 && low < high) {
      const middle = (low + high) >>> 1;
      const text = view.get(this.tables.steps, stepKey(session, middle));
      if (text !== undefined && stepSeq(text) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private step(view: View, session: string, version: number): Step | undefined {
    const text = view.get(this.tables.steps, stepKey(session, version));
    return text === undefined ? undefined : decodeStep(text);
  }

  private wholeHistory(view: View, session: string): HistoryEntry[] {
    const latest = this.version(view, session);
    const entries: HistoryEntry[] = [];
    for (let version = 1; version <= latest; version++)
      entries.push(...(this.step(view, session, version)?.history ?? []));
    return entries;
  }

  private historyOf(view: View, session: string, keys: readonly string[]): HistoryEntry[] {
    const steps = new Map<string, Step | undefined>();
    return [...new Set(keys)].flatMap((key) => {
      const version = view.get(this.tables.historyKeys, historyRowKey(session, key));
      if (version === undefined) return [];
      if (!steps.has(version)) steps.set(version, this.step(view, session, Number(version)));
      return steps.get(version)?.history.find((entry) => entry.key === key) ?? [];
    });
  }
}
