import { ask } from './claim.step.js';
import { conclude, end } from './conclude.js';
import { attemptOnce, claimedFlow, conflict, judge, refusal } from './flow.js';
import type { IntentRun } from './intent.run.js';
import { outcomeOf } from './outcomes.js';
import type { FlowEnd, Parts } from './parts.js';

/** A wait as short as this isn't worth a write. */
const SIT_OUT_MS = 100;

/**
 * The way of a durable timer (`wait`): until it is due, only the session's wake-up exists. No place, no claim, no
 * record; the sweeper publishes the intent again when it is due.
 */
export const timerFlow = async (parts: Parts, run: IntentRun, timerMs: number): Promise<FlowEnd> => {
  const { sessions, claims, pulse } = parts;
  const { intent } = run;
  const [asked, [claimed]] = await Promise.all([ask(parts, run), claims.read([intent.key])]);
  if (asked === 'stale' || asked === 'unwanted') return 'done';
  if (asked !== 'wanted') return conflict(parts, run, asked.conflict);
  // sealed: the claim's way ends it
  if (claimed?.outcome !== undefined) return claimedFlow(parts, run);
  const now = await sessions.now();
  const emittedAt = intent.emittedAt ?? now;
  const leftMs = emittedAt + timerMs - now;
  if (leftMs > SIT_OUT_MS) {
    await sessions.lowerWake(intent.key.sessionId, emittedAt + timerMs);
    return 'left';
  }
  if (leftMs > 0) await pulse.sleep(leftMs);
  const ending = await attemptOnce(parts, run);
  const verdict = judge(parts, run, ending);
  if (verdict.kind !== 'ended') return claimedFlow(parts, run, { verdict, ending });
  const { status, result, error } = verdict;
  // the same times whoever publishes it and however often
  const times = { attempts: run.attempts, startedAt: emittedAt, durationMs: timerMs };
  await conclude(parts, run, outcomeOf(status, result, error, times));
  return 'done';
};

/** A timer whose parameters don't fit has no time. */
export const timerRefused = async (parts: Parts, run: IntentRun): Promise<FlowEnd | undefined> => {
  const refused = refusal(run);
  if (refused === undefined) return undefined;
  const asked = await ask(parts, run);
  if (asked === 'wanted') await end(parts, run, 'failed', null, refused);
  return typeof asked === 'object' ? conflict(parts, run, asked.conflict) : 'done';
};
