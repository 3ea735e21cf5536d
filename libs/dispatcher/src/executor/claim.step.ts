import { DormouseError, type Outcome } from '#contracts';
import { nextToken } from '#idempotency';
import { hasExpired } from '#state';
import { closing } from './closing.js';
import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';
import { place, unplace } from './place.step.js';

const FIRST_LOOK_MS = 100;
const LAST_LOOK_MS = 1_000;

export type Claimed =
  /** ours, and held by the run's lease; `started`: an earlier owner may have done it */
  | { kind: 'ours'; started: boolean; notBefore: number }
  | { kind: 'recorded'; outcome: Outcome }
  | { kind: 'conflict'; digest: string }
  /** a live owner has it and its wake-up is set */
  | { kind: 'left' };

/**
 * Claims the intent (rule 3). Held by a live owner: looks again until it is free or ended, at most a minute; then the
 * owner's claim carries it on. A foreign intent has no wake-up and waits on.
 */
export const claim = async (parts: Parts, run: IntentRun): Promise<Claimed> => {
  const { claims, sessions, pulse, leases } = parts;
  const { intent } = run;
  const since = pulse.clock.monotonic();
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(LAST_LOOK_MS, lookMs * 2)) {
    const token = nextToken();
    const sent = leases.sentNow();
    const reply = await claims.claim({
      ...intent.key,
      digest: intent.digest,
      token,
      leaseMs: leases.leaseMs,
    });
    switch (reply.kind) {
      case 'claimed':
        run.holds(leases.hold(intent.key, token, sent));
        return { kind: 'ours', started: false, notBefore: 0 };
      case 'taken_over':
        parts.counts.takenOver++;
        run.holds(leases.hold(intent.key, token, sent));
        run.attempts = Math.max(run.attempts, reply.attempts);
        run.deaths = reply.deaths ?? 0;
        // a pure tool's claim comes after its beginning, unless it was put off before
        run.begun ||= reply.started || run.attempts > 0 || (run.effect === 'pure' && reply.notBefore === 0);
        return { kind: 'ours', started: reply.started, notBefore: reply.notBefore };
      case 'recorded':
      case 'conflict':
        return reply;
      case 'held': {
        if (intent.ours && pulse.clock.monotonic() - since >= run.holdMs) {
          await sessions.lowerWake(intent.key.sessionId, reply.leaseUntil);
          return { kind: 'left' };
        }
        // who waits for another's run holds no place
        unplace(parts, run);
        await pulse.sleep(lookMs);
        await place(parts, run);
      }
    }
  }
};

export type Asked = 'wanted' | 'stale' | 'unwanted' | { conflict: string };

/**
 * Asks the session whether it still waits for the intent, for these very parameters (rules 3, 11, 12).
 *
 * Errors: `store_emptied` (retryable): the intent is neither run nor finished
 */
export const ask = async (parts: Parts, run: IntentRun): Promise<Asked> => {
  const { intent } = run;
  // a foreign intent belongs to no session of ours
  if (!intent.ours) return 'wanted';
  const { sessionId } = intent.key;
  const reply = await parts.sessions.isPending(sessionId, intent.intentId);
  if (reply.kind === 'not_pending') {
    parts.counts.stale++;
    return 'stale';
  }
  if (reply.kind === 'no_session') {
    if (!(await hasExpired(parts.sessions, sessionId))) return ask(parts, run);
    parts.counts.expired++;
    return 'stale';
  }
  if (reply.digest !== intent.digest) return { conflict: reply.digest };
  // the step that applies the cancel seals what isn't started; compensations go on
  return reply.cancelRequested && intent.compensates === undefined ? 'unwanted' : 'wanted';
};

const REBUILT_LOOK_MS = 1_000;

/** Waits while the store has lost its data: what became of a run is kept here until its session is rebuilt. */
export const untilRebuilt = async (parts: Parts): Promise<void> => {
  while (await insist(parts, () => parts.sessions.isEmptied())) {
    if (parts.isDraining()) throw closing();
    await parts.pulse.sleep(REBUILT_LOOK_MS);
  }
};

const RETRY_MS = 100;
const MOST_RETRY_MS = 2_000;

/**
 * Repeats one atomic move while the store can't be reached: it answers as the first would have. For moves whose reply
 * decides about something that happened already.
 */
export const insist = async <T>(parts: Parts, move: () => Promise<T>): Promise<T> => {
  for (let delayMs = RETRY_MS; ; delayMs = Math.min(MOST_RETRY_MS, delayMs * 2)) {
    try {
      return await move();
    } catch (error) {
      if (!DormouseError.is(error) || !error.retryable || parts.isDraining()) throw error;
      await parts.pulse.sleep(delayMs);
    }
  }
};
