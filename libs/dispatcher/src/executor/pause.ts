import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';
import { place, unplace } from './place.step.js';

/** From here on a wait is left to the claim and the sweeper; below, its record is held. */
const HAND_OVER_MS = 2_000;

export type Paused =
  | 'go_on'
  /** the claim and a wake-up carry it on */
  | 'left'
  | 'lost'
  | 'cancelled';

/**
 * Waits until `notBefore` (store's clock, ms) in a way that a crash doesn't forget: the claim keeps the attempts and the
 * time. A long wait hands the whole intent over to its claim; a short one is sat out, without a place in flight.
 */
export const pauseUntil = async (
  parts: Parts,
  run: IntentRun,
  notBefore: number,
  now: number,
): Promise<Paused> => {
  const { claims, sessions, pulse } = parts;
  const { intent, lease } = run;
  if (lease === undefined) throw new Error('a pause needs a claim');
  const waitMs = notBefore - now;
  // a foreign intent has no session whose wake-up could bring it back
  const handOver = intent.ours && waitMs >= HAND_OVER_MS;
  // a renewal that came after it would lease the claim once more
  if (handOver) lease.release();
  const reply = await claims.defer(intent.key, lease.token, {
    attempts: run.attempts,
    notBefore,
    handOver,
    ...(handOver ? { record: JSON.stringify(intent.event) } : {}),
  });
  if (reply !== 'deferred') return reply;
  if (handOver) {
    run.letGo();
    await sessions.lowerWake(intent.key.sessionId, notBefore);
    return 'left';
  }
  unplace(parts, run);
  // a cancel or a loss of the claim ends the wait: the next move hears of it
  await pulse.until(() => lease.signal !== undefined, waitMs);
  await place(parts, run);
  return 'go_on';
};

/** Keeps the intent under its claim, ends the lease and has the session looked at, at `wakeAt` (store's clock, ms). */
export const leaveUntil = async (parts: Parts, run: IntentRun, wakeAt: number): Promise<'left'> => {
  const { claims, sessions } = parts;
  const { intent, lease } = run;
  if (lease === undefined) throw new Error('leaving an intent to its claim needs one');
  const kept = await claims.keep(intent.key, lease.token, JSON.stringify(intent.event));
  // the wake-up first: a crash in between leaves an early look, never a missing one
  await sessions.lowerWake(intent.key.sessionId, wakeAt);
  run.letGo();
  if (kept === 'kept') await claims.handBack(intent.key, lease.token);
  return 'left';
};
