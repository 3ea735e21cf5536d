import { type ErrorData, type Outcome, type PendingIntent, repeatable, type Snapshot } from '#contracts';
import type { Draft } from './draft.js';
import type { Transition } from './effects.js';

/** What became of a compensation, by its step's policy. `skipped`: given up. `stuck`: a person looks. */
export const compensationEnd = (
  { status }: Outcome,
  policy: 'park' | 'skip' | 'retry' | undefined,
  mayRepeat: boolean,
): 'done' | 'skipped' | 'again' | 'stuck' => {
  if (status === 'succeeded') return 'done';
  // nobody but a person cancels a compensation
  if (policy === 'skip' || status === 'cancelled') return 'skipped';
  // running it again may undo twice what can be undone once
  return policy === 'retry' && (status !== 'unknown' || mayRepeat) ? 'again' : 'stuck';
};

/** Whether a failure of the session undoes what was done. */
export const isSaga = ({ fixed }: Snapshot): boolean => fixed.submission.saga === true;

/** It may have been done, and nobody may guess whether. */
export const isUnclear = (intent: PendingIntent, { status, error }: Outcome): boolean =>
  status === 'unknown' && (!repeatable(intent.effect) || error?.code === 'intent_conflict');

/** Whether only a person can say how to go on: nothing undoes it with the rest, or it is an undoing that failed. */
export const needsPerson = (snapshot: Snapshot, intent: PendingIntent, outcome: Outcome): boolean => {
  if (intent.compensates !== undefined)
    return compensationEnd(outcome, intent.on_compensation_failure, repeatable(intent.effect)) === 'stuck';
  if (!isUnclear(intent, outcome)) return false;
  const undoes = snapshot.ending?.compensate ?? isSaga(snapshot);
  return !undoes || intent.effect !== 'compensatable' || intent.bare === true;
};

/** Calls of the session are waited for: tools run, or people are asked. */
export const isUnderWay = ({ pending, held }: Snapshot): boolean => pending.length > 0 || held !== undefined;

/** A step of the session, no undoing, waits for a person: nothing goes forward, and nothing is undone before. */
export const isHalted = ({ stuck }: Snapshot): boolean =>
  stuck?.some(({ intent }) => intent.compensates === undefined) === true;

export const unclearError = (intent: PendingIntent, outcome: Outcome): ErrorData => ({
  code: outcome.error?.code ?? 'outcome_unknown',
  message: `It isn't known whether ${intent.tool} (${intent.intent_id}) was done: ${outcome.error?.message ?? 'no reason given'}`,
  retryable: false,
  details: { intent_id: intent.intent_id, tool_name: intent.tool },
});

/** Something goes wrong that a person has to settle: what is under way is waited for, then the session parks. */
export const halt = (draft: Draft): Transition => {
  const { snapshot } = draft;
  const [first] = snapshot.stuck ?? [];
  if (snapshot.pending.length > 0 || first === undefined) return draft.commit();
  const error = unclearError(first.intent, first.outcome);
  snapshot.error = error;
  draft.setStatus('parked', error);
  return draft.commit();
};
