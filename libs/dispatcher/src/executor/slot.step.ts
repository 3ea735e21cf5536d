import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';
import { type Paused, pauseUntil } from './pause.js';
import { place, unplace } from './place.step.js';
import { queueEnd } from './queue.ttl.js';

/** Who finds too many waiting comes again after a quarter of the time that it has waited, within these bounds, ±50 %. */
const COME_AGAIN_MS = 5_000;
const COME_AGAIN_AT_MOST_MS = 30_000;

/** It has none, or had one for too long without hearing from the store. */
export const needsSlot = ({ tool, slot }: IntentRun): boolean =>
  tool?.spec.concurrency !== undefined && tool.timerMs === undefined && slot?.isOurs() !== true;

/** Not after `end`: its queue TTL is told in time. */
const comeAgain = async (parts: Parts, run: IntentRun, since: number, end: number): Promise<Paused> => {
  const now = await parts.claims.now();
  const quarterMs = Math.min(Math.max(COME_AGAIN_MS, (now - since) / 4), COME_AGAIN_AT_MOST_MS);
  const delayMs = Math.round(quarterMs * (0.5 + parts.random()));
  return pauseUntil(parts, run, Math.min(now + delayMs, end), now);
};

/**
 * Takes one of its tool's slots. Where none is free it stands in line in this process, without a place in flight; its claim is
 * held meanwhile, so that a crash forgets nothing, and so that a cancel is heard. Where too many stand in line already,
 * those who have waited least are left to their claims, as in a long backoff, and come again.
 *
 * @returns `go_on` also where it was stopped: the next look at the lease, or at its queue TTL, says so
 */
export const takeSlot = async (parts: Parts, run: IntentRun): Promise<Paused> => {
  const { slots, pulse, claims } = parts;
  const { tool, intent, lease } = run;
  if (lease === undefined) throw new Error('a slot needs a claim');
  run.freeSlot();
  const since = intent.emittedAt ?? run.firstSeenAt;
  const wanted = {
    tool: intent.tool,
    limit: tool?.spec.concurrency ?? Infinity,
    since,
    // a foreign intent has no session whose wake-up could bring it back
    mayLeave: intent.ours,
  };
  run.slot = await slots.tryTake(wanted);
  if (run.slot === undefined) {
    unplace(parts, run);
    // so that a long wait holds no record
    pulse.watch(run);
    const end = queueEnd(run) ?? Infinity;
    const leftMs = end === Infinity ? Infinity : Math.max(0, end - (await claims.now()));
    const wait = slots.wait(wanted);
    let over = false;
    const stopped = pulse
      .until(() => over || lease.signal !== undefined, leftMs)
      .then(() => 'stopped' as const);
    try {
      const got = await Promise.race([wait.answer, stopped]);
      if (got === 'crowded') return await comeAgain(parts, run, since, end);
      if (got === 'stopped') return 'go_on';
      run.slot = got;
    } finally {
      over = true;
      if (run.slot === undefined) wait.leave();
    }
  }
  const waiting = place(parts, run);
  if (waiting !== undefined) await waiting;
  return 'go_on';
};
