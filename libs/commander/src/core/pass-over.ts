import type { Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { IgnoreReason, Transition } from './effects.js';

const UNATTRIBUTABLE = 'unattributable ';

/** What is remembered of an answer that names no intent, when it couldn't be told whose it is. */
export const unattributableMark = (observationId: string): string => UNATTRIBUTABLE + observationId;

/** Whether a mark is of an event with this id, whoever its source is. */
export const marksEvent = (mark: string, eventId: string): boolean =>
  mark === UNATTRIBUTABLE + eventId || (mark.startsWith(UNATTRIBUTABLE) && mark.endsWith(` ${eventId}`));

/** Ours have no space in their ids; see `Observed`. */
export const isForeign = (observationId: string): boolean => observationId.includes(' ');

/**
 * An observation that changes nothing now, and would change something in a later state of the session: its step is that
 * it was passed over. Delivered again, after the session has gone on, it would be taken before what the steps between
 * have decided is in the log; and an answer would be taken for that to another intent.
 *
 * @param mark remembered as applied; default: its id
 */
export const passOver = (
  before: Snapshot,
  id: string,
  reason: IgnoreReason,
  now: number,
  mark = id,
): Transition => {
  const draft = Draft.open(before, id, now);
  draft.markApplied(mark);
  return draft.commit(reason);
};
