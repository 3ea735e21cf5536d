import { type AuditNotes, type AuditPass, WAKE_FAULTS, type WakeFault, type WakeLook } from '#state';
import { LONGEST_LOOK_MS } from './due.machine.js';

/** Above the latest time that a sweeper sets: clocks are set, and a process may be frozen between reading and writing. */
const SLACK_MS = 60_000;
/** A wake-up that is so much later than its session's own next time, and than now, is too late; ms. */
export const LATE_MS = LONGEST_LOOK_MS + SLACK_MS;

/** The place of a pass that has seen everything; what was seen last is still to be repaired. */
export const SEEN_ALL = 'seen all';

type Counts = Partial<Record<string, number>>;

const added = <C extends Counts>(counts: C, more: C): C => {
  const sum: Counts = { ...counts };
  for (const [name, count = 0] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
  return sum as C;
};

const begun = (notes: AuditNotes, now: number): AuditPass =>
  notes.pass ?? { startedAt: now, sessions: {}, repaired: {} };

/**
 * How long nothing is looked at before the next pass begins, ms; 0: it may begin, or goes on. It rests as long as the
 * last one took, so that it never works for more than half of the time, and `restMs` at least.
 */
export const restLeft = ({ pass, last }: AuditNotes, now: number, restMs: number): number => {
  if (pass !== null || last === null) return 0;
  const rest = Math.max(restMs, last.finishedAt - last.startedAt);
  // a clock that was set back doesn't make it rest for longer
  return Math.min(rest, Math.max(0, last.finishedAt + rest - now));
};

/** What is noted after a look. */
export const afterLook = (notes: AuditNotes, look: WakeLook, now: number): AuditNotes => {
  const pass = begun(notes, now);
  return {
    ...notes,
    pass: { ...pass, sessions: added(pass.sessions, look.sessions) },
    place: look.next ?? SEEN_ALL,
  };
};

/** What is noted after repairs of what the look before found. */
export const afterRepairs = (
  notes: AuditNotes,
  repaired: Partial<Record<WakeFault, number>>,
  now: number,
): AuditNotes => {
  const pass = begun(notes, now);
  return { ...notes, pass: { ...pass, repaired: added(pass.repaired, repaired) } };
};

/** The pass is over. */
export const finished = (notes: AuditNotes, now: number): AuditNotes => ({
  pass: null,
  place: null,
  last: { ...begun(notes, now), finishedAt: now },
});

export const countsOf = (faults: readonly WakeFault[]): Partial<Record<WakeFault, number>> => {
  const counts: Partial<Record<WakeFault, number>> = {};
  for (const fault of WAKE_FAULTS) {
    const count = faults.filter((one) => one === fault).length;
    if (count > 0) counts[fault] = count;
  }
  return counts;
};
