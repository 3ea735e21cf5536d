import { isTerminal, type Snapshot } from '#contracts';
import { decide, thinkFailed } from './core/decide.js';
import type { Transition } from './core/effects.js';
import { applySealed, conclude } from './core/ending.js';
import { refuse } from './core/ignore.js';
import type { Input } from './core/input.js';
import { observe } from './core/observe.js';
import { type Answering, remember } from './core/record.js';

/**
 * The session machine: what an input makes of a session, and what is to be done about it. Pure: no clock, no I/O, and
 * the snapshot given stays as it was.
 *
 * A step is one observation and the answers to what the transitions ask for (`effects.next`), until that is `commit` or
 * `ignore`. History, timeline and forgotten claims of its transitions add up; the last snapshot is the one to write.
 *
 * How a stored status is entered
 * - `queued`: by its creation
 * - `waiting_tool`: the brain emitted intents
 * - `compensating`: the session is ending, nothing else is pending, and compensations were emitted
 * - `parked`: an unknown outcome, a compensation that failed, an intent conflict; nothing is pending. A person settles
 *   what is `stuck`, or cancels. Or it has dead letters: then it waits for what they were to bring, and goes on
 *   underneath with everything else
 * - `completed`, `failed`, `cancelled`, `compensated`: nothing is pending; nothing follows
 * - `waiting_input`: the brain has asked a person, and nothing else is pending
 * - `waiting_approval`: calls that a person has to approve, and no others, are what it waits for
 *
 * @param now ms since the epoch by the store's clock, never behind the snapshot's `updated_at`
 */
export const transition = (snapshot: Snapshot, input: Input, now: number): Transition => {
  if (input.kind === 'observation') return observe(snapshot, input.observation, input.thinksAfter, now);
  if (isTerminal(snapshot.status) || snapshot.status === 'parked') return refuse(snapshot);
  return remember(answered(snapshot, input, now), input, now);
};

const answered = (snapshot: Snapshot, input: Answering, now: number): Transition => {
  switch (input.kind) {
    case 'sealed':
      return applySealed(snapshot, input.answers, now);
    case 'decision':
      return decide(snapshot, input.decision, now);
    case 'think_failed':
      return thinkFailed(snapshot, input.error, now);
    case 'conclusion':
      return conclude(snapshot, input.conclusion, now);
  }
};
