import { deadEventIds, isTerminal, resultId, type Snapshot } from '#contracts';

const SECOND = 1000;
/** A first observation that nobody has applied after this time may have been lost between snapshot and log. */
const UNSTARTED_MS = 15 * SECOND;
/** The same for what people sent since: a cancel, an answer. */
const UNAPPLIED_MS = 10 * SECOND;
/** A parked session waits for a person: looked at now and then so that it has its entry. */
const IDLE_MS = 3600 * SECOND;

/** The id under which a cancel of ours is applied. */
export const cancelId = (snapshot: Snapshot): string => `${snapshot.session_id}.cancel`;

/** A cancel was asked for and no step has applied it yet. */
export const cancelOutstanding = (snapshot: Snapshot): boolean =>
  snapshot.cancel_requested !== undefined && !snapshot.applied.includes(cancelId(snapshot));

/** The session's own deadline ends it only while it goes forward: not while it undoes, ends, or waits for a person. */
export const deadlineCounts = (snapshot: Snapshot): boolean =>
  snapshot.ending === undefined && snapshot.status !== 'parked' && !isTerminal(snapshot.status);

/**
 * When the sweeper looks at the session next, in ms since the epoch; null when it has ended. The earliest of its
 * deadlines and timers; a time in the past means at once.
 */
export const nextWake = (snapshot: Snapshot, now: number): number | null => {
  if (isTerminal(snapshot.status)) return null;
  const dead = deadEventIds(snapshot);
  const repeated =
    dead.size === 0
      ? snapshot.pending
      : snapshot.pending.filter(({ intent_id }) => !(dead.has(intent_id) || dead.has(resultId(intent_id))));
  let wake = repeated.length > 0 ? Infinity : now + IDLE_MS;
  const at = (time: number | undefined) => {
    if (time !== undefined && time < wake) wake = time;
  };
  for (const intent of repeated) at(intent.not_before ?? intent.deadline_at);
  if (cancelOutstanding(snapshot)) at(now + UNAPPLIED_MS);
  if (snapshot.inbox !== undefined) at(now + UNAPPLIED_MS);
  if (snapshot.status === 'queued')
    at(Math.max(snapshot.fixed.created_at, snapshot.updated_at) + UNSTARTED_MS);
  if (deadlineCounts(snapshot)) at(snapshot.fixed.deadline_at);
  return wake;
};
