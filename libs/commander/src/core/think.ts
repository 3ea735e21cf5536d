import type { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { beginEnding, failedWith } from './ending.js';
import { exhausted } from './limits.js';

/** Asks the brain, if the session's limits allow another step. */
export const askBrain = (draft: Draft, resumed = false): Transition => {
  const error = exhausted(draft.snapshot);
  return error === undefined
    ? draft.ask(resumed ? { kind: 'think', resumed } : { kind: 'think' })
    : beginEnding(draft, failedWith(draft.snapshot, error));
};
