import type { ErrorData, Json, Outcome, OutcomeStatus } from '#contracts';
import { insist } from './claim.step.js';
import type { IntentRun } from './intent.run.js';
import { outcomeOf } from './outcomes.js';
import type { Parts } from './parts.js';

/** `again`: there is no claim at all any more; begin at the claim, and record `outcome` if the session still waits. */
export type Concluded = 'done' | { again: Outcome };

/** Records the outcome under the claim, where there is one, and publishes what is recorded (rule 3). */
export const conclude = async (parts: Parts, run: IntentRun, outcome: Outcome): Promise<Concluded> => {
  const { claims, outlet, options, figures } = parts;
  const { lease, intent } = run;
  if (lease === undefined) {
    await outlet.publish(intent, outcome);
    figures.ended(run, outcome.status);
    return 'done';
  }
  const reply = await insist(parts, () =>
    claims.record(intent.key, lease.token, outcome, options.retentionMs, outlet.ackOf(claims.capabilities)),
  );
  run.letGo();
  switch (reply.kind) {
    case 'recorded':
      figures.ended(run, outcome.status);
      await outlet.publish(intent, outcome);
      return 'done';
    case 'superseded':
      run.lostClaim = true;
      await outlet.publish(intent, reply.outcome);
      return 'done';
    case 'lost':
      run.lostClaim = true;
      // what the new owner records counts, and is its to publish
      return 'done';
    case 'none':
      return { again: outcome };
  }
};

/** Ends the run with this status, at the times of its latest attempt. */
export const end = (
  parts: Parts,
  run: IntentRun,
  status: OutcomeStatus,
  result: Json,
  error: ErrorData | null,
): Promise<Concluded> =>
  conclude(parts, run, outcomeOf(status, result, error, run.times(parts.pulse.clock.monotonic())));
