import type { Ending, ErrorData, Snapshot } from '#contracts';
import type { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { beginEnding } from './ending.js';
import { cancelId, cancelOutstanding } from './next-wake.js';

export interface CancelOrder {
  reason?: string;
  compensate: boolean;
  /** of the request and its Idempotency-Key, if it had one */
  request_digest?: string;
}

/** The id of a cancel that comes after another; with a key it tells its repeats. @param version that it is set down in */
export const laterCancelId = (snapshot: Snapshot, order: CancelOrder, version: number): string =>
  `${cancelId(snapshot)}.${order.request_digest?.slice(0, 16) ?? version}`;

/**
 * Whether another cancel changes anything in a session that was cancelled before: it has more undone, or gives up
 * waiting for a person.
 */
export const cancelsAnew = (snapshot: Snapshot, { compensate }: CancelOrder): boolean => {
  const { cancel_requested, ending, dead } = snapshot;
  if (cancelOutstanding(snapshot)) return compensate && cancel_requested?.compensate === false;
  const status = dead?.status ?? snapshot.status;
  // while it undoes, that goes on
  return status === 'parked' || (status !== 'compensating' && compensate && ending?.compensate !== true);
};

/** The flag that a cancel sets before it is published; a write of its own. @param at ms, store's clock */
export const requestCancel = (before: Snapshot, order: CancelOrder, at: number): Snapshot => ({
  ...before,
  version: before.version + 1,
  cancel_requested: {
    compensate: order.compensate,
    at,
    ...(order.reason === undefined ? {} : { reason: order.reason }),
    ...(order.request_digest === undefined ? {} : { request_digest: order.request_digest }),
  },
  updated_at: at,
});

const cancelledError = (reason: string | undefined): ErrorData => ({
  code: 'cancelled',
  message: reason === undefined ? 'The session was cancelled.' : `The session was cancelled: ${reason}`,
  retryable: false,
});

const endingOf = (snapshot: Snapshot, order: CancelOrder): Ending => {
  // what it stood still for is over: that nobody could settle it is no reason to go on waiting
  const ending = snapshot.status === 'parked' ? undefined : snapshot.ending;
  const compensate = (ending?.compensate ?? false) || order.compensate;
  // a failure stays a failure; a session that was about to wait for a person, or to complete, is cancelled instead
  return ending?.status === 'failed' || ending?.status === 'cancelled'
    ? { ...ending, compensate }
    : { status: 'cancelled', error: cancelledError(order.reason), compensate };
};

/** A cancel takes effect: the session ends as soon as nothing is pending. What is being undone goes on being undone. */
export const applyCancel = (draft: Draft, order: CancelOrder): Transition => {
  const { snapshot } = draft;
  if (!snapshot.applied.includes(cancelId(snapshot))) draft.markApplied(cancelId(snapshot));
  // the same request again is no other cancel
  const request = laterCancelId(snapshot, order, snapshot.version);
  if (order.request_digest !== undefined && !snapshot.applied.includes(request)) draft.markApplied(request);
  snapshot.cancel_requested = undefined;
  draft.tell('observation', {
    type: 'cancel',
    compensate: order.compensate,
    ...(order.reason === undefined ? {} : { reason: order.reason }),
  });
  if (snapshot.status === 'compensating') return draft.commit();
  const ending = endingOf(snapshot, order);
  draft.leaveParked(false);
  giveUpWaiting(draft, order.compensate);
  return beginEnding(draft, ending);
};

/** What a person could have settled is left as it is: unknown. What was to be undone is tried for, or given up. */
const giveUpWaiting = (draft: Draft, compensate: boolean): void => {
  for (const stuck of draft.snapshot.stuck ?? []) {
    const undoing = stuck.intent.compensates !== undefined;
    if (undoing && compensate) continue;
    draft.removeStuck(stuck);
    if (!undoing) draft.addAnswer({ ...stuck.intent, outcome: stuck.outcome });
  }
};
