import type { ErrorData, Snapshot } from '#contracts';
import { applyCancel } from './cancel.js';
import type { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { beginEnding, failedWith } from './ending.js';
import { cancelOutstanding } from './next-wake.js';
import { halt, isHalted, isUnderWay } from './stuck.js';
import { takeUpMessages } from './take-up.js';
import { askBrain } from './think.js';

export const deadlineError = (deadlineAt: number): ErrorData => ({
  code: 'deadline_exceeded',
  message: `The session's deadline was ${new Date(deadlineAt).toISOString()}.`,
  retryable: false,
});

/** A cancel is asked for, or the deadline has passed: whatever is applied now, nothing new is emitted. */
export const isOver = (snapshot: Snapshot, now: number): boolean => {
  const { deadline_at = Infinity } = snapshot.fixed;
  return cancelOutstanding(snapshot) || now >= deadline_at;
};

/**
 * An observation is applied and nothing ends the session: the brain is next, unless something speaks against it.
 *
 * @param resumed a person was waited for: outcomes were applied meanwhile without asking the brain
 */
export const goOn = (draft: Draft, thinksAfter: 'each' | 'all', resumed = false): Transition => {
  const { snapshot, now } = draft;
  // the cancel itself is still on its way, but what it asks for is known: no think that would be thrown away
  const { cancel_requested: cancel } = snapshot;
  if (cancelOutstanding(snapshot) && cancel !== undefined) {
    draft.recordCancel(cancel);
    return applyCancel(draft, cancel);
  }
  const deadline = snapshot.fixed.deadline_at;
  if (deadline !== undefined && now >= deadline)
    return beginEnding(draft, failedWith(snapshot, deadlineError(deadline)));
  if (isHalted(snapshot)) return halt(draft);
  takeUpMessages(draft);
  if (thinksAfter === 'all' && isUnderWay(snapshot)) return draft.commit();
  if (snapshot.question !== undefined) {
    if (!isUnderWay(snapshot)) draft.wait();
    return draft.commit();
  }
  return askBrain(draft, resumed);
};
