import { isTerminal, type Snapshot } from '#contracts';
import { applyApproval } from './approval.js';
import { applyCancel } from './cancel.js';
import { applyDeadLetter, applyRedriven } from './dead-letter.js';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { goOn } from './go-on.js';
import { ignore } from './ignore.js';
import type { Observation } from './input.js';
import { applyMessage } from './message.js';
import { cancelId } from './next-wake.js';
import { passOver, unattributableMark } from './pass-over.js';
import { applyResolution } from './resolution.js';
import { applyTimer } from './timer.js';
import { answeredBy, applyResult, type ToolResult } from './tool-result.js';

/** Opens a step with an observation, if it applies (rule 2). */
export const observe = (
  stored: Snapshot,
  observation: Observation,
  thinksAfter: 'each' | 'all',
  now: number,
): Transition => {
  const before = withoutDead(stored);
  // Only the observation of the latest step can have left its outbox unpublished: the records of a session are taken one
  // after the other, and an earlier one was finished only when its outbox was in the log. After a crash earlier ones may
  // come again, and none of them applies then: it is among the applied ids, its intent is pending no more, or, if it
  // changed nothing the first time but might now, it was passed over.
  const republish = !before.outbox.out && before.outbox.commit?.applied === observation.id;
  if (isTerminal(before.status)) return ignore(before, 'ended', republish);
  if (before.applied.includes(observation.id)) return ignore(before, 'duplicate', republish);
  if (before.applied.includes(unattributableMark(observation.id)))
    return ignore(before, 'unattributable', republish);
  switch (observation.type) {
    case 'session_created':
      return begin(before, observation.id, thinksAfter, now);
    case 'tool_result':
      return answer(before, observation, thinksAfter, republish, now);
    case 'cancel':
      return cancel(before, observation, now);
    case 'timer':
      return applyTimer(before, observation, thinksAfter, now);
    case 'resolution':
      return applyResolution(before, observation, thinksAfter, now);
    case 'dead_letter':
      return applyDeadLetter(before, observation, now);
    case 'redriven':
      return applyRedriven(before, observation, now);
    case 'user_message':
      return applyMessage(before, observation.id, thinksAfter, republish, now);
    case 'approval':
      return applyApproval(before, observation, thinksAfter, now);
  }
};

/** A session with dead letters as it is without them; at the end of the step it is shown as parked again. */
const withoutDead = (stored: Snapshot): Snapshot =>
  stored.dead === undefined ? stored : { ...stored, status: stored.dead.status, error: stored.dead.error };

const begin = (before: Snapshot, id: string, thinksAfter: 'each' | 'all', now: number): Transition => {
  if (before.status !== 'queued') return ignore(before, 'duplicate');
  const draft = Draft.open(before, id, now);
  draft.markApplied(id);
  const { input } = before.fixed.submission;
  if (input !== undefined) draft.addMessage('input', input);
  return goOn(draft, thinksAfter);
};

const answer = (
  before: Snapshot,
  result: ToolResult,
  thinksAfter: 'each' | 'all',
  republish: boolean,
  now: number,
): Transition => {
  const intent = answeredBy(before, result);
  if (intent === 'unattributable')
    return passOver(before, result.id, intent, now, unattributableMark(result.id));
  if (intent === 'not_pending') return ignore(before, intent, republish);
  const draft = Draft.open(before, result.id, now);
  // a repeat of it would be taken for the answer to the next one
  if (result.intent_id === undefined) draft.markApplied(result.id);
  return applyResult(draft, intent, result, thinksAfter);
};

const cancel = (
  before: Snapshot,
  { id, type: _, ...order }: Extract<Observation, { type: 'cancel' }>,
  now: number,
): Transition => {
  const draft = Draft.open(before, id, now);
  // a later one has an id of its own, and so has one that another program published
  if (id !== cancelId(before)) draft.markApplied(id);
  return applyCancel(draft, order);
};
