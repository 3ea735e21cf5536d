import { isMessageId, type JsonObject, type Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { ignore } from './ignore.js';
import type { Observation } from './input.js';
import { marksEvent, passOver } from './pass-over.js';

type Dead = Extract<Observation, { type: 'dead_letter' }>;
type Redriven = Extract<Observation, { type: 'redriven' }>;

/** Whether the session waits for what is among the dead letters now: without a person it would hang. */
const hangs = (snapshot: Snapshot, { intent_id, event_id }: Dead): boolean => {
  if (intent_id !== undefined) return snapshot.pending.some((p) => p.intent_id === intent_id);
  // a later step may have taken it up without its record
  if (isMessageId(snapshot.session_id, event_id))
    return snapshot.inbox?.some(({ id }) => id === event_id) === true;
  return event_id !== `${snapshot.session_id}.created` || snapshot.status === 'queued';
};

/** A session that an intent has parked for good learns the name of its dead letter. */
const parkedBy = ({ status, error }: Snapshot, { intent_id }: Dead): JsonObject | undefined => {
  const details = error?.details;
  if (status !== 'parked' || typeof details !== 'object' || details === null || Array.isArray(details))
    return undefined;
  return intent_id !== undefined && details.intent_id === intent_id ? details : undefined;
};

/** Rule 13: a dead letter that belongs to a session parks it and names itself. What it waits for stays pending. */
export const applyDeadLetter = (before: Snapshot, dead: Dead, now: number): Transition => {
  const details = parkedBy(before, dead);
  if (details === undefined && !hangs(before, dead)) return ignore(before, 'not_pending');
  const draft = Draft.open(before, dead.id, now);
  draft.markApplied(dead.id);
  const { dead_letter, reason, error, event_id, intent_id } = dead;
  const intent: { intent_id?: string } = intent_id === undefined ? {} : { intent_id };
  draft.tell('observation', {
    type: 'dead_letter',
    dead_letter,
    reason,
    error,
    ...(intent_id === undefined ? {} : { intent_id }),
  });
  const { snapshot } = draft;
  if (details !== undefined && snapshot.error !== undefined)
    snapshot.error = { ...snapshot.error, details: { ...details, dead_letter } };
  else draft.addDead({ id: dead_letter, reason, event_id, ...intent });
  return draft.commit();
};

/** What was dead is on its way again: the session goes on as if it had never been. */
export const applyRedriven = (before: Snapshot, redriven: Redriven, now: number): Transition => {
  const { id, dead_letter, by, reason, event_id } = redriven;
  const isStray = (mark: string) => event_id !== undefined && marksEvent(mark, event_id);
  if (
    before.dead?.letters.some((letter) => letter.id === dead_letter) !== true &&
    !before.applied.some(isStray)
  )
    return passOver(before, id, 'not_pending', now);
  const draft = Draft.open(before, id, now);
  // a person has it looked at once more: perhaps only one intent can be meant by now
  draft.snapshot.applied = draft.snapshot.applied.filter((mark) => !isStray(mark));
  draft.markApplied(id);
  draft.tell('observation', {
    type: 'redriven',
    dead_letter,
    by,
    ...(reason === undefined ? {} : { reason }),
  });
  draft.dropDead((letter) => letter.id === dead_letter);
  return draft.commit();
};
