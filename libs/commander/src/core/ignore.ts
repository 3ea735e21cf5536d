import type { Snapshot } from '#contracts';
import type { IgnoreReason, Transition } from './effects.js';

/** Changes nothing. */
export const ignore = (snapshot: Snapshot, reason: IgnoreReason, republish = false): Transition => ({
  snapshot,
  effects: { history: [], timeline: [], forget: [], next: { kind: 'ignore', reason, republish } },
});

/** An answer that wasn't asked for in this state. */
export const refuse = (snapshot: Snapshot): Transition => ignore(snapshot, 'not_asked');
