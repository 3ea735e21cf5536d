import { type ErrorData, intentId, type Snapshot } from '#contracts';
import type { AnsweredCall, Finish, ReadyDecision } from './decision.js';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { emit } from './emit.js';
import { beginEnding, complete, concludeFailed, dropHeld, failedWith } from './ending.js';
import { refuse } from './ignore.js';
import { overspent } from './limits.js';
import { isUnderWay } from './stuck.js';
import { askBrain } from './think.js';

const NOTHING: ErrorData = {
  code: 'brain_failed',
  message: 'The brain decided nothing while nothing was pending: the session would never wake.',
  retryable: false,
};

/** The brain's answer to a think. */
export const decide = (before: Snapshot, decision: ReadyDecision, now: number): Transition => {
  if (before.ending !== undefined) return refuse(before);
  const draft = Draft.goOn(before, now);
  const { snapshot } = draft;
  const { usage: used, calls, answered = [], ask, finish } = decision;
  snapshot.step += 1;
  snapshot.usage = {
    ...snapshot.usage,
    steps: snapshot.usage.steps + 1,
    input_tokens: snapshot.usage.input_tokens + (used?.input_tokens ?? 0),
    output_tokens: snapshot.usage.output_tokens + (used?.output_tokens ?? 0),
  };
  // it was given what people wrote before; what they write later makes the commit fail
  snapshot.unread = undefined;
  if (decision.brain_state !== undefined) snapshot.brain_state = decision.brain_state;
  if (decision.message !== undefined) draft.addTurn(decision.message);
  answer(draft, answered, calls.length);

  if (finish !== undefined) return applyFinish(draft, finish);
  const limit = overspent(snapshot, calls.length);
  if (limit !== undefined && calls.length > 0) return beginEnding(draft, failedWith(snapshot, limit));
  if (ask !== undefined) draft.addQuestion(ask.call, ask.content);
  if (calls.length > 0) {
    emit(draft, calls);
    draft.wait();
    return draft.commit();
  }
  if (ask !== undefined) {
    draft.wait();
    return draft.commit();
  }
  if (answered.length > 0) return askBrain(draft);
  if (isUnderWay(snapshot)) return draft.commit();
  return beginEnding(draft, failedWith(snapshot, NOTHING));
};

/** The brain couldn't decide, and trying again won't help. */
export const thinkFailed = (before: Snapshot, error: ErrorData, now: number): Transition => {
  if (before.ending !== undefined) return concludeFailed(before, error, now);
  const draft = Draft.goOn(before, now);
  return beginEnding(draft, failedWith(before, error));
};

/** Calls that run nowhere; their ids follow those of the step's intents. */
const answer = (draft: Draft, answered: readonly AnsweredCall[], offset: number): void => {
  const { session_id, step } = draft.snapshot;
  answered.forEach(({ tool, call, outcome }, index) => {
    const intent_id = intentId(session_id, step, offset + index);
    draft.tell('intent', { intent_id, tool_name: tool, step, call, answered: true });
    draft.addAnswer({ intent_id, tool, call, outcome });
  });
};

const applyFinish = (draft: Draft, finish: Finish): Transition => {
  const { snapshot } = draft;
  switch (finish.kind) {
    case 'completed':
      snapshot.result = finish.result;
      snapshot.error = finish.error;
      dropHeld(draft);
      if (snapshot.pending.length === 0) return complete(draft);
      snapshot.ending = { status: 'completed', compensate: false };
      return draft.commit();
    case 'failed':
      if (finish.result !== undefined) snapshot.result = finish.result;
      return beginEnding(draft, failedWith(snapshot, finish.error));
    case 'parked':
      return beginEnding(draft, { status: 'parked', error: finish.error, compensate: false });
  }
};
