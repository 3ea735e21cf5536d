import {
  type Ending,
  type ErrorData,
  isTerminal,
  type Outcome,
  type PendingIntent,
  repeatable,
  type Snapshot,
} from '#contracts';
import type { Closing, ReadyConclusion } from './decision.js';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { emit } from './emit.js';
import { refuse } from './ignore.js';
import type { SealedIntent } from './input.js';
import { cancelledOutcome } from './outcomes.js';

/** In this release a plan knows how to undo itself; an LLM's calls aren't undone. */
export const canUndo = ({ fixed }: Snapshot): boolean => fixed.submission.plan !== undefined;
const isSaga = (snapshot: Snapshot): boolean => snapshot.fixed.submission.saga === true && canUndo(snapshot);

export const failedWith = (snapshot: Snapshot, error: ErrorData): Ending => ({
  status: 'failed',
  error,
  compensate: isSaga(snapshot),
});

/**
 * What an unknown outcome that nobody may guess makes of the session: a saga undoes it with the rest where it can be
 * undone; otherwise a person looks, before anything else is undone.
 */
export const endingOfUnknown = (snapshot: Snapshot, intent: PendingIntent, outcome: Outcome): Ending => {
  const error: ErrorData = {
    code: outcome.error?.code ?? 'outcome_unknown',
    message: `It isn't known whether ${intent.tool} (${intent.intent_id}) was done: ${outcome.error?.message ?? 'no reason given'}`,
    retryable: false,
    details: { intent_id: intent.intent_id, tool_name: intent.tool },
  };
  const undoes = snapshot.ending?.compensate ?? isSaga(snapshot);
  if (intent.effect !== 'compensatable' || !undoes) return { status: 'parked', error, compensate: false };
  return snapshot.ending ?? { status: 'failed', error, compensate: true };
};

/** Rule 6: from here on nothing new is emitted; what isn't started is sealed, what is started is waited for. */
export const beginEnding = (draft: Draft, ending: Ending): Transition => {
  draft.snapshot.ending = ending;
  // running it means nothing, so nobody waits for it; there is no claim of ours to seal
  for (const intent of draft.snapshot.pending)
    if (intent.external === true && intent.effect === 'pure')
      cancelIntent(draft, intent, cancelledOutcome(draft.now));
  // a program of others may be at it already and knows no claim: it is waited for
  const intents = draft.snapshot.pending.filter((intent) => intent.external !== true);
  return intents.length > 0 ? draft.ask({ kind: 'seal', intents }) : settle(draft);
};

const cancelIntent = (draft: Draft, intent: PendingIntent, outcome: Outcome): void => {
  draft.removePending(intent);
  draft.addAnswer({ ...intent, outcome });
};

/** While ending: waits for what is pending, then asks the brain what is left to do. */
export const settle = (draft: Draft): Transition => {
  const { pending, ending, status } = draft.snapshot;
  // compensations go on with each answer; everything else waits for the last
  if (pending.length > 0 && status !== 'compensating') return draft.commit();
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
    const outcome = answer.outcome ?? cancelledOutcome(now);
    if (outcome.status === 'unknown' && !repeatable(intent.effect) && intent.compensates === undefined)
      draft.snapshot.ending = endingOfUnknown(draft.snapshot, intent, outcome);
    cancelIntent(draft, intent, outcome);
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
  if (calls.length > 0) {
    draft.snapshot.step += 1;
    draft.setStatus('compensating');
    emit(draft, calls);
  }
  if (draft.snapshot.pending.length > 0) return draft.commit();
  return close(draft, conclusion.closing ?? ending);
};

/** The brain couldn't say what is left to do: where something should have been undone, a person looks. */
export const concludeFailed = (snapshot: Snapshot, error: ErrorData, now: number): Transition => {
  const { ending } = snapshot;
  if (ending === undefined) return refuse(snapshot);
  const draft = Draft.goOn(snapshot, now);
  const next: Ending = ending.compensate ? { status: 'parked', error, compensate: false } : ending;
  draft.snapshot.ending = next;
  return draft.snapshot.pending.length > 0 ? draft.commit() : close(draft, next);
};

/** Nothing is pending: the session ends, or stands still for a person. */
const close = (draft: Draft, closing: Closing | Ending | { status: 'completed' }): Transition => {
  const { snapshot } = draft;
  const error = 'error' in closing ? closing.error : undefined;
  if (error !== undefined) snapshot.error = error;
  if ('result' in closing && closing.result !== undefined) snapshot.result = closing.result;
  snapshot.ending = undefined;
  if (isTerminal(closing.status)) snapshot.cancel_requested = undefined;
  draft.setStatus(closing.status, error);
  return draft.commit();
};

/** The brain is done and nothing is pending. */
export const complete = (draft: Draft): Transition => close(draft, { status: 'completed' });
