import { intentId, type Outcome, type PendingIntent, type Snapshot, type StuckIntent } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { hold, sendOut } from './emit.js';
import { settle } from './ending.js';
import { goOn } from './go-on.js';
import type { Observation, ResolutionGiven } from './input.js';
import { tooLate } from './late.js';
import { halt, isHalted } from './stuck.js';

type Given = Extract<Observation, { type: 'resolution' }>;

/** Nothing goes forward any more in a session that is ending: only what undoes something is run again. */
export const mayRetry = ({ ending }: Snapshot, { intent }: StuckIntent): boolean =>
  ending === undefined || intent.compensates !== undefined;

/** A person settles what only a person can: the session goes on from there. */
export const applyResolution = (
  before: Snapshot,
  given: Given,
  thinksAfter: 'each' | 'all',
  now: number,
): Transition => {
  const { id, type, intent_id, outcome, by, reason, request_digest } = given;
  const stuck = before.stuck?.find(({ intent }) => intent.intent_id === intent_id);
  if (stuck === undefined || (outcome === 'retry' && !mayRetry(before, stuck)))
    return tooLate(before, id, { type, intent_id, outcome, by, reason }, now);
  const draft = Draft.open(before, id, now);
  draft.markApplied(id);
  draft.addResolution({
    intent_id,
    outcome,
    by,
    reason,
    ...(request_digest === undefined ? {} : { request_digest }),
  });
  draft.removeStuck(stuck);
  if (outcome === 'retry') return runAgain(draft, stuck, given);
  return stuck.intent.compensates === undefined
    ? forward(draft, stuck, settled(stuck, given), thinksAfter)
    : undo(draft, stuck, settled(stuck, given));
};

/** The outcome that a person gives. An undoing that wasn't done is given up, which isn't a failure to react to. */
const settled = ({ intent, outcome }: StuckIntent, given: ResolutionGiven): Outcome => {
  if (given.outcome === 'succeeded')
    return { ...outcome, status: 'succeeded', result: given.result ?? null, error: null };
  const [status, code] =
    intent.compensates === undefined
      ? (['failed', 'tool_failed'] as const)
      : (['cancelled', 'cancelled'] as const);
  const message = `${given.by} settled it as not done: ${given.reason}`;
  return { ...outcome, status, result: null, error: { code, message, retryable: false } };
};

/** A step of the session is settled; when the last is, what stood still goes on. */
const forward = (
  draft: Draft,
  { intent }: StuckIntent,
  outcome: Outcome,
  thinksAfter: 'each' | 'all',
): Transition => {
  draft.addAnswer({ ...intent, outcome });
  const { snapshot } = draft;
  if (isHalted(snapshot)) return draft.commit();
  draft.leaveParked(snapshot.ending === undefined);
  if (snapshot.ending !== undefined) return settle(draft);
  return goOn(draft, thinksAfter, true);
};

/** An undoing is settled as done, or given up: what else there is to undo goes on. */
const undo = (draft: Draft, { intent }: StuckIntent, outcome: Outcome): Transition => {
  // the failure itself has the key of the call
  draft.addAnswer({ ...intent, outcome, key: `settled:${intent.intent_id}` });
  goOnUndoing(draft);
  return draft.ask({ kind: 'conclude' });
};

const goOnUndoing = (draft: Draft): void => {
  draft.leaveParked(false);
  draft.setStatus('compensating');
};

/** As a new intent, which has as long as the first had; a person has answered for it, so it isn't asked about again. */
const runAgain = (draft: Draft, { intent: first }: StuckIntent, given: ResolutionGiven): Transition => {
  const { snapshot, now } = draft;
  snapshot.step += 1;
  const { not_before, ...rest } = first;
  const again: PendingIntent = {
    ...rest,
    intent_id: intentId(snapshot.session_id, snapshot.step, 0),
    step: snapshot.step,
    emitted_at: now,
    deadline_at: now + first.deadline_at - (not_before ?? first.emitted_at),
    ...(given.parameters === undefined
      ? {}
      : { parameters: given.parameters, digest: given.digest ?? '', effect: given.effect ?? first.effect }),
    // the first one's outcome has the key of its call
    ...(first.compensates === undefined
      ? {}
      : { call: `${first.call?.split('#')[0] ?? 'undo:'}#s${snapshot.step}` }),
  };
  if (first.compensates === undefined && needsApproval(first, again, given)) return holdAgain(draft, again);
  if (first.compensates === undefined) draft.leaveParked(true);
  else goOnUndoing(draft);
  sendOut(draft, [again]);
  return draft.commit();
};

/** Who approved the first one saw its parameters; for others a person is asked anew. */
const needsApproval = (first: PendingIntent, again: PendingIntent, { held }: ResolutionGiven): boolean =>
  again.digest !== first.digest && (held === true || first.approved_by !== undefined);

const holdAgain = (draft: Draft, { approved_by: _, ...again }: PendingIntent): Transition => {
  hold(draft, [again]);
  if (isHalted(draft.snapshot)) return halt(draft);
  draft.leaveParked(true);
  return draft.commit();
};
