import {
  type Ending,
  type ErrorData,
  isTerminal,
  type Outcome,
  type PendingIntent,
  type Snapshot,
} from '#contracts';
import type { Closing, ReadyConclusion } from './decision.js';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { emit, intentOf, tellIntent } from './emit.js';
import { refuse } from './ignore.js';
import type { SealedIntent } from './input.js';
import { cancelledOutcome } from './outcomes.js';
import { halt, isHalted, isSaga, needsPerson, unclearError } from './stuck.js';
import { takeUpMessages, tellUnread } from './take-up.js';

export const failedWith = (snapshot: Snapshot, error: ErrorData): Ending => ({
  status: 'failed',
  error,
  compensate: isSaga(snapshot),
});

/**
 * Keeps what became of an intent that is pending no more. One that only a person can settle is told, and the history
 * gets the outcome that the person gives; a failed undoing is in the history at once, its brain judges it.
 *
 * @returns whether a person has to settle it
 */
export const keepOutcome = (draft: Draft, intent: PendingIntent, outcome: Outcome): boolean => {
  draft.removePending(intent);
  const stuck = needsPerson(draft.snapshot, intent, outcome);
  if (stuck) draft.addStuck({ intent, outcome });
  if (!stuck || intent.compensates !== undefined) {
    draft.addAnswer({ ...intent, outcome });
    return stuck;
  }
  const { intent_id, tool, call } = intent;
  draft.tell('observation', {
    intent_id,
    tool_name: tool,
    ...(call === undefined ? {} : { call }),
    ...outcome,
    error: outcome.error === null ? null : { ...outcome.error },
  });
  return stuck;
};

/** A saga undoes what may have been done, with the rest. */
export const failedUnclear = (intent: PendingIntent, outcome: Outcome): Ending => ({
  status: 'failed',
  error: unclearError(intent, outcome),
  compensate: true,
});

/** Rule 6: from here on nothing new is emitted; what isn't started is sealed, what is started is waited for. */
export const beginEnding = (draft: Draft, ending: Ending): Transition => {
  draft.snapshot.ending = ending;
  draft.snapshot.question = undefined;
  dropHeld(draft);
  // running it means nothing, so nobody waits for it; there is no claim of ours to seal
  for (const intent of draft.snapshot.pending)
    if (intent.external === true && intent.effect === 'pure')
      keepOutcome(draft, intent, cancelledOutcome(draft.now));
  // a program of others may be at it already and knows no claim: it is waited for
  const intents = draft.snapshot.pending.filter((intent) => intent.external !== true);
  return intents.length > 0 ? draft.ask({ kind: 'seal', intents }) : settle(draft);
};

/** Calls that nobody has approved never run: no claim needs to be sealed for that. */
export const dropHeld = (draft: Draft): void => {
  const { held = [] } = draft.snapshot;
  draft.snapshot.held = undefined;
  for (const intent of held) draft.addAnswer({ ...intent, outcome: cancelledOutcome(draft.now) });
};

/** While ending: waits for what is pending, then asks the brain what is left to do. */
export const settle = (draft: Draft): Transition => {
  const { pending, ending, status } = draft.snapshot;
  // compensations go on with each answer; everything else waits for the last
  if (pending.length > 0 && status !== 'compensating') return draft.commit();
  if (isHalted(draft.snapshot)) return halt(draft);
  if (ending?.status === 'completed') return close(draft, { status: 'completed' });
  return draft.ask({ kind: 'conclude' });
};

/** The claim store's answers: what never runs is answered now, what had ended already as well. */
export const applySealed = (
  snapshot: Snapshot,
  answers: readonly SealedIntent[],
  now: number,
): Transition => {
  if (snapshot.ending === undefined) return refuse(snapshot);
  const draft = Draft.goOn(snapshot, now);
  for (const answer of answers) {
    const intent = snapshot.pending.find((p) => p.intent_id === answer.intent_id);
    if (intent === undefined || answer.kind === 'started') continue;
    keepOutcome(draft, intent, answer.outcome ?? cancelledOutcome(now));
  }
  return settle(draft);
};

/** The brain's answer when the session is ending: compensations, and in the end what it leaves behind. */
export const conclude = (snapshot: Snapshot, conclusion: ReadyConclusion, now: number): Transition => {
  const { ending } = snapshot;
  if (ending === undefined) return refuse(snapshot);
  const draft = Draft.goOn(snapshot, now);
  if (conclusion.brain_state !== undefined) draft.snapshot.brain_state = conclusion.brain_state;
  // nothing new is emitted but what undoes something
  const calls = ending.compensate ? conclusion.calls.filter((c) => c.compensates !== undefined) : [];
  const unmade = ending.compensate ? (conclusion.unmade ?? []) : [];
  if (calls.length > 0 || unmade.length > 0) draft.snapshot.step += 1;
  if (calls.length > 0) {
    draft.setStatus('compensating');
    emit(draft, calls);
  }
  unmade.forEach(({ call, outcome }, index) => {
    const intent = intentOf(draft, call, calls.length + index);
    tellIntent(draft, intent);
    draft.addAnswer({ ...intent, outcome });
    draft.addStuck({ intent, outcome });
  });
  if (draft.snapshot.pending.length > 0) return draft.commit();
  return close(draft, conclusion.closing ?? ending);
};

/** The brain couldn't say what is left to do: where something should have been undone, a person looks. */
export const concludeFailed = (snapshot: Snapshot, error: ErrorData, now: number): Transition => {
  const { ending } = snapshot;
  if (ending === undefined) return refuse(snapshot);
  const draft = Draft.goOn(snapshot, now);
  if (draft.snapshot.pending.length > 0) return draft.commit();
  return close(draft, ending.compensate ? { status: 'parked', error } : ending);
};

/** Nothing is pending: the session ends, or stands still for a person. */
const close = (draft: Draft, closing: Closing | Ending | { status: 'completed' }): Transition => {
  const { snapshot } = draft;
  const error = 'error' in closing ? closing.error : undefined;
  if (error !== undefined) snapshot.error = error;
  if ('result' in closing && closing.result !== undefined) snapshot.result = closing.result;
  if (isTerminal(closing.status)) {
    takeUpMessages(draft);
    tellUnread(draft);
    snapshot.ending = undefined;
    snapshot.cancel_requested = undefined;
    snapshot.stuck = undefined;
    snapshot.inbox = undefined;
  }
  draft.setStatus(closing.status, error);
  return draft.commit();
};

/** The brain is done and nothing is pending. */
export const complete = (draft: Draft): Transition => close(draft, { status: 'completed' });
