import { timePart, type Transaction, type View } from '#engine';
import type { Wake } from '../../port.js';
import { type SessionTables, wakeTimeKey } from './session-rows.js';

/** The one wake-up of each session, by session and by time. */
export class WakeRows {
  /** no wake-up is earlier; the sweeper asks often, and mostly nothing is due */
  private earliest = 0;

  constructor(private readonly tables: SessionTables) {}

  of(view: View, session: string): number | null {
    const text = view.get(this.tables.wakes, session);
    return text === undefined ? null : Number(text);
  }

  /** Sets or, with null, removes it. */
  set(tx: Transaction, session: string, sessionId: string, at: number | null): void {
    const { wakes, wakeTimes } = this.tables;
    const before = this.of(tx, session);
    if (before === at) return;
    if (before !== null) tx.del(wakeTimes, wakeTimeKey(before, session));
    if (at === null) {
      tx.del(wakes, session);
      return;
    }
    tx.put(wakes, session, String(at), before === null);
    if (at < this.earliest) this.earliest = at;
    // a time is in the index only while it is the session's: this one wasn't
    tx.put(wakeTimes, wakeTimeKey(at, session), sessionId, true);
  }

  due(view: View, now: number, limit: number): Wake[] {
    if (this.earliest > now) return [];
    const due = this.first(view, timePart(now + 1), limit);
    if (due.length === 0) this.earliest = this.next(view) ?? Infinity;
    return due;
  }

  next(view: View): number | null {
    // above every time: digits come before the bar
    return this.first(view, '|', 1)[0]?.at ?? null;
  }

  /** The entries by time from a key of theirs on, at most `limit`. */
  from(view: View, start: string, limit: number): { key: string; at: number; sessionId: string }[] {
    const rows = view.range(this.tables.wakeTimes, { start, end: '|', limit });
    return rows.map(({ key, value }) => ({ key, sessionId: value, at: timeOf(key) }));
  }

  /** Whether the index by time has the session's entry too: without that nobody finds it. */
  isIndexed(view: View, session: string, at: number): boolean {
    return view.get(this.tables.wakeTimes, wakeTimeKey(at, session)) !== undefined;
  }

  /** Sets the entry as {@link set} does, whatever the index by time says. */
  mend(tx: Transaction, session: string, sessionId: string, at: number): void {
    const { wakes } = this.tables;
    if (tx.get(wakes, session) !== undefined) this.set(tx, session, sessionId, null);
    this.set(tx, session, sessionId, at);
  }

  /** Takes an entry out of the index by time, and nothing else. */
  strike(tx: Transaction, key: string): void {
    tx.del(this.tables.wakeTimes, key);
  }

  private first(view: View, end: string, limit: number): Wake[] {
    const rows = view.range(this.tables.wakeTimes, { start: '', end, limit });
    return rows.map(({ key, value }) => ({ sessionId: value, at: timeOf(key) }));
  }
}

const timeOf = (key: string): number => Number(key.slice(0, key.indexOf('|')));
