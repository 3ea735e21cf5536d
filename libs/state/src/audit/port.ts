import type { StoredStatus } from '#contracts';

/**
 * How a wake-up breaks the rule that every session which hasn't ended has exactly one.
 * - `missing`: the session has none, so nobody looks at it any more
 * - `late`: it is later than any that a commit or the sweeper sets
 * - `orphaned`: its session has ended, or isn't there
 * - `misplaced`: it lies where nobody looks for it, or is a second one
 */
export const WAKE_FAULTS = ['missing', 'late', 'orphaned', 'misplaced'] as const;
export type WakeFault = (typeof WAKE_FAULTS)[number];

/** A broken wake-up, as it was seen. */
export interface WakeViolation {
  fault: WakeFault;
  sessionId: string;
  /** the entry's time, ms; null: there was none */
  at: number | null;
  /** of the snapshot; null: the session wasn't there */
  version: number | null;
  /** where the entry lies, as the driver names it; of a `misplaced` one */
  where?: string;
}

/** What a look found. */
export interface WakeLook {
  /** sessions that haven't ended, by status; each is counted once a pass */
  sessions: Partial<Record<StoredStatus, number>>;
  violations: WakeViolation[];
  /** where the next look goes on; null: the pass is over */
  next: string | null;
}

export interface WakeLookQuery {
  /** from the look before; null: a pass begins */
  place: string | null;
  /** looks at about so many entries, whatever they are */
  limit: number;
  /** an entry is late when it is so much later than its session's own next time, and than now; ms */
  lateMs: number;
}

/** Who audits, and what came of it. Times: ms, store's clock. */
export interface AuditNotes {
  /** of the pass under way; null: none is */
  pass: AuditPass | null;
  /** where it goes on */
  place: string | null;
  /** the last one that came to its end */
  last: (AuditPass & { finishedAt: number }) | null;
}

export interface AuditPass {
  startedAt: number;
  /** sessions that haven't ended, by status */
  sessions: Partial<Record<StoredStatus, number>>;
  /** violations that were there still when they were repaired */
  repaired: Partial<Record<WakeFault, number>>;
}

export const NO_NOTES: AuditNotes = { pass: null, place: null, last: null };

/**
 * Looks at all wake-ups and sessions of a store, a part at a time, and repairs what doesn't agree.
 *
 * Promises
 * - A pass, from `place` null until `next` is null, sees every session and every wake-up that was there all along, and
 *   reads no snapshots. What comes or goes meanwhile may be left out, or be seen in passing: it is a violation only if
 *   {@link repair} finds it still as it was seen.
 * - `repair` changes what was seen and nothing else: no session that has gone on, no entry that was moved.
 * - One process at a time has the turn; its notes are everybody's.
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`.
 */
export abstract class WakeAudit {
  abstract look(query: WakeLookQuery): Promise<WakeLook>;
  /**
   * A missing entry, and a late one, is set to the store's now, so that the sweeper looks at once and finds the right
   * time; an orphaned or misplaced one is removed. False: it isn't as it was seen any more, and nothing was changed.
   */
  abstract repair(violation: WakeViolation): Promise<boolean>;
  /** Takes the turn for `ttlMs` if nobody else has it; a repeat prolongs it. `mine` false: another has it. */
  abstract take(holder: string, ttlMs: number): Promise<{ mine: boolean; notes: AuditNotes }>;
  /** Writes the notes and prolongs the turn. False: another has it by now, and nothing was written. */
  abstract keep(holder: string, ttlMs: number, notes: AuditNotes): Promise<boolean>;
  abstract notes(): Promise<AuditNotes>;
}
