import { type AuditPass, NO_NOTES, type SessionStore, type WakeViolation } from '#state';
import { afterLook, LATE_MS } from './audit-notes.js';

const AT_ONCE = 1_000;
/** So many are told of; where there are more, it is no longer a matter of single ones. */
const MOST = 1_000;
/** Between the two looks of which both must see a violation. */
const SETTLE_MS = 1_000;

export interface AuditLook {
  /** sessions that haven't ended, by status */
  sessions: AuditPass['sessions'];
  /** seen twice, unchanged; at most 1,000 */
  violations: WakeViolation[];
  /** false: it was told to end before it had seen everything */
  whole: boolean;
}

const passOver = async ({ audit }: SessionStore, isOver: () => boolean): Promise<AuditLook> => {
  let notes = NO_NOTES;
  const violations: WakeViolation[] = [];
  let place: string | null = null;
  do {
    if (isOver()) return { sessions: notes.pass?.sessions ?? {}, violations, whole: false };
    const look = await audit.look({ place, limit: AT_ONCE, lateMs: LATE_MS });
    notes = afterLook(notes, look, 0);
    violations.push(...look.violations.slice(0, MOST - violations.length));
    place = look.next;
  } while (place !== null);
  return { sessions: notes.pass?.sessions ?? {}, violations, whole: true };
};

const nameOf = (violation: WakeViolation): string => JSON.stringify(violation);

/**
 * One pass over all sessions and wake-ups that repairs nothing, as fast as the store answers.
 *
 * @param isOver asked before each part: true ends it early
 * Errors: `unavailable`
 */
export const auditLook = async (store: SessionStore, isOver: () => boolean): Promise<AuditLook> => {
  const first = await passOver(store, isOver);
  if (first.violations.length === 0) return first;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const second = new Set((await passOver(store, isOver)).violations.map(nameOf));
  return { ...first, violations: first.violations.filter((violation) => second.has(nameOf(violation))) };
};
