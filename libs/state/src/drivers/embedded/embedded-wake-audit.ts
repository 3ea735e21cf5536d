import { keyPart, type Transaction, type View } from '#engine';
import {
  type AuditNotes,
  NO_NOTES,
  WakeAudit,
  type WakeLook,
  type WakeLookQuery,
  type WakeViolation,
} from '../../audit/port.js';
import { decodeHeadLine, hasEnded, idInHead, type SessionTables, wakeTimeKey } from './session-rows.js';
import { type WakeRows } from './wake-rows.js';

/** How the audit reaches the engine: by way of the store, which may be closed. */
export interface AuditAccess {
  now(): number;
  read<T>(fn: (view: View) => T): Promise<T>;
  move<T>(fn: (tx: Transaction) => T): Promise<T>;
}

/** Above every key: keys are printable. */
const END = '\u007F';

/**
 * The audit of sessions in the engine: first the heads, then the wake-ups in order of time. A place is `heads|<the last
 * key>` or `wakes|<the last key>`. One process has the engine, so the turn is always its own, and its notes stay in it.
 */
export class EmbeddedWakeAudit extends WakeAudit {
  private kept = NO_NOTES;

  constructor(
    private readonly tables: SessionTables,
    private readonly wakes: WakeRows,
    private readonly engine: AuditAccess,
  ) {
    super();
  }

  look({ place, limit, lateMs }: WakeLookQuery): Promise<WakeLook> {
    const [phase, after = ''] = splitPlace(place);
    return this.engine.read((view) =>
      phase === 'wakes' ? this.lookAtWakes(view, after, limit) : this.lookAtHeads(view, after, limit, lateMs),
    );
  }

  repair({ fault, sessionId, at, version }: WakeViolation): Promise<boolean> {
    return this.engine.move((tx) => {
      const session = keyPart(sessionId);
      const before = this.wakes.of(tx, session);
      if (fault === 'misplaced') {
        const key = wakeTimeKey(at ?? 0, session);
        if (before === at || tx.get(this.tables.wakeTimes, key) === undefined) return false;
        this.wakes.strike(tx, key);
        return true;
      }
      const head = tx.get(this.tables.heads, session);
      const line = head === undefined ? null : decodeHeadLine(head);
      const live = line === null || hasEnded(line) ? null : line.version;
      if (live !== version) return false;
      if (fault === 'orphaned') {
        if (before !== at) return false;
        this.wakes.set(tx, session, sessionId, null);
        return true;
      }
      const seen = before !== null && this.wakes.isIndexed(tx, session, before) ? before : null;
      if (seen !== at) return false;
      this.wakes.mend(tx, session, sessionId, this.engine.now());
      return true;
    });
  }

  async take(): Promise<{ mine: boolean; notes: AuditNotes }> {
    return { mine: true, notes: await this.notes() };
  }

  async keep(_holder: string, _ttlMs: number, notes: AuditNotes): Promise<boolean> {
    await this.engine.read(() => undefined);
    this.kept = notes;
    return true;
  }

  notes(): Promise<AuditNotes> {
    return this.engine.read(() => this.kept);
  }

  private lookAtHeads(view: View, after: string, limit: number, lateMs: number): WakeLook {
    const rows = view.range(this.tables.heads, { start: startAfter(after), end: END, limit });
    const last = rows.at(-1);
    const look: WakeLook = {
      sessions: {},
      violations: [],
      next: rows.length < limit || last === undefined ? 'wakes|' : `heads|${last.key}`,
    };
    const now = this.engine.now();
    for (const { key, value } of rows) {
      const line = decodeHeadLine(value);
      if (hasEnded(line)) continue;
      const { status, version, ownAt } = line;
      look.sessions[status] = (look.sessions[status] ?? 0) + 1;
      const entry = this.wakes.of(view, key);
      const at = entry !== null && this.wakes.isIndexed(view, key, entry) ? entry : null;
      const isLate = at !== null && ownAt !== null && at > Math.max(ownAt, now) + lateMs;
      if (at !== null && !isLate) continue;
      const sessionId = key.startsWith('~') ? idInHead(value) : key;
      look.violations.push({ fault: at === null ? 'missing' : 'late', sessionId, at, version });
    }
    return look;
  }

  private lookAtWakes(view: View, after: string, limit: number): WakeLook {
    const rows = this.wakes.from(view, startAfter(after), limit);
    const last = rows.at(-1);
    const violations = rows.flatMap(({ at, sessionId }): WakeViolation[] => {
      const session = keyPart(sessionId);
      if (this.wakes.of(view, session) !== at) return [{ fault: 'misplaced', sessionId, at, version: null }];
      const head = view.get(this.tables.heads, session);
      const isLive = head !== undefined && !hasEnded(decodeHeadLine(head));
      return isLive ? [] : [{ fault: 'orphaned', sessionId, at, version: null }];
    });
    return {
      sessions: {},
      violations,
      next: rows.length < limit || last === undefined ? null : `wakes|${last.key}`,
    };
  }
}

const splitPlace = (place: string | null): [phase?: string, after?: string] => {
  if (place === null) return [];
  const bar = place.indexOf('|');
  return [place.slice(0, bar), place.slice(bar + 1)];
};

/** No key has a space, so nothing lies between a key and itself with a space. */
const startAfter = (key: string): string => (key === '' ? '' : `${key} `);
