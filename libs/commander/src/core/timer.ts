import { type PendingIntent, repeatable, type Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { beginEnding, failedWith } from './ending.js';
import { deadlineError } from './go-on.js';
import type { Observation } from './input.js';
import { deadlineCounts } from './next-wake.js';
import { timedOutOutcome, unansweredOutcome } from './outcomes.js';
import { passOver } from './pass-over.js';
import { applyResult } from './tool-result.js';

type Timer = Extract<Observation, { type: 'timer' }>;
const INTENT = 'intent:';

/** A due time: the session's deadline, or that of an external tool (ours are looked after by the dispatcher). */
export const applyTimer = (
  before: Snapshot,
  timer: Timer,
  thinksAfter: 'each' | 'all',
  now: number,
): Transition => {
  const open = () => {
    const draft = Draft.open(before, timer.id, now);
    draft.markApplied(timer.id);
    draft.tell('observation', { type: 'timer', timer_id: timer.timer_id });
    return draft;
  };
  const deadline = before.fixed.deadline_at;
  if (timer.timer_id === 'deadline') {
    if (deadline === undefined || now < deadline || !deadlineCounts(before))
      return passOver(before, timer.id, 'not_due', now);
    return beginEnding(open(), failedWith(before, deadlineError(deadline)));
  }
  const intent = before.pending.find((p) => timer.timer_id === INTENT + p.intent_id);
  if (intent?.external !== true || now < intent.deadline_at)
    return passOver(before, timer.id, 'not_due', now);
  return unanswered(open(), intent, thinksAfter);
};

/** Asked again while that is harmless and worth it; afterwards failed, or unknown where it may not be guessed. */
const unanswered = (draft: Draft, intent: PendingIntent, thinksAfter: 'each' | 'all'): Transition => {
  const { repeat } = intent;
  if (
    repeatable(intent.effect) &&
    repeat !== undefined &&
    repeat.left > 0 &&
    draft.snapshot.ending === undefined
  ) {
    draft.replacePending({
      ...intent,
      deadline_at: draft.now + repeat.every_ms,
      repeat: { ...repeat, left: repeat.left - 1 },
    });
    draft.publish([intent.intent_id]);
    return draft.commit();
  }
  const state = repeatable(intent.effect) ? timedOutOutcome : unansweredOutcome;
  return applyResult(draft, intent, { outcome: state(intent, draft.now) }, thinksAfter);
};
