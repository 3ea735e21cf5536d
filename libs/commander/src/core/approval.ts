import type { Approval, PendingIntent, Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { goOn, isOver } from './go-on.js';
import { ignore } from './ignore.js';
import type { ApprovalGiven, Observation } from './input.js';
import { rejectedOutcome } from './outcomes.js';

type Given = Extract<Observation, { type: 'approval' }>;

/** A person answers for a call that is held: from here on it is an intent like any other, or it has failed. */
export const applyApproval = (
  before: Snapshot,
  given: Given,
  thinksAfter: 'each' | 'all',
  now: number,
): Transition => {
  const held = before.held?.find(({ intent_id }) => intent_id === given.intent_id);
  const accepted = before.inbox?.find(({ id }) => id === given.id);
  // nobody was let in who saw another call: it is no answer, and the true one is still to come
  const digest = held?.digest ?? accepted?.data['digest'];
  if (digest !== given.digest) return ignore(before, 'not_awaited');
  const draft = Draft.open(before, given.id, now);
  draft.markApplied(given.id);
  if (held === undefined || isOver(before, now)) {
    draft.addApproval({ ...approvalOf(given), refused: 'not_awaited' });
    return held === undefined ? draft.commit() : goOn(draft, thinksAfter);
  }
  draft.addApproval(approvalOf(given));
  draft.removeHeld(held);
  return given.decision === 'approve' ? release(draft, held, given) : reject(draft, held, given, thinksAfter);
};

const approvalOf = ({
  intent_id,
  decision,
  by,
  reason,
  digest,
  request_digest,
}: ApprovalGiven): Approval => ({
  intent_id,
  decision,
  by,
  ...(reason === undefined ? {} : { reason }),
  digest,
  ...(request_digest === undefined ? {} : { request_digest }),
});

/** It has as long as if it had been emitted now. Where a person is waited for beside it, it is under way meanwhile. */
const release = (draft: Draft, held: PendingIntent, { by }: ApprovalGiven): Transition => {
  const { now } = draft;
  const deadline_at = now + held.deadline_at - held.emitted_at;
  draft.addPending([{ ...held, emitted_at: now, deadline_at, approved_by: by }]);
  draft.publish([held.intent_id]);
  draft.leaveParked(true);
  return draft.commit();
};

const reject = (
  draft: Draft,
  held: PendingIntent,
  given: ApprovalGiven,
  thinksAfter: 'each' | 'all',
): Transition => {
  draft.addAnswer({ ...held, outcome: rejectedOutcome(held, given, draft.now) });
  return goOn(draft, thinksAfter);
};
