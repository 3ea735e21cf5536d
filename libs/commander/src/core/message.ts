import type { Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { goOn } from './go-on.js';
import { ignore } from './ignore.js';
import { reads, takeUpMessages } from './take-up.js';

/**
 * Somebody has written to the session. Its inbox tells whether that has been taken up: an id that isn't there was, with
 * an earlier step.
 */
export const applyMessage = (
  before: Snapshot,
  id: string,
  thinksAfter: 'each' | 'all',
  republish: boolean,
  now: number,
): Transition => {
  if (before.inbox?.some((sent) => sent.id === id) !== true) return ignore(before, 'duplicate', republish);
  // what it was given first comes first
  if (before.status === 'queued') return ignore(before, 'not_begun');
  const draft = Draft.open(before, id, now);
  takeUpMessages(draft);
  const waits = before.ending !== undefined || before.status === 'parked';
  return waits || !reads(before) ? draft.commit() : goOn(draft, thinksAfter);
};
