import { nextToken } from '#idempotency';
import { ask } from './claim.step.js';
import { closing } from './closing.js';
import { overdue } from './queue.ttl.js';
import { end } from './conclude.js';
import { attemptOnce, claimedFlow, conflict, judge, refusal } from './flow.js';
import type { IntentRun } from './intent.run.js';
import type { FlowEnd, Parts } from './parts.js';

/**
 * The way of a pure tool: ask, run, publish; no claim is written (rule 3). Where there is one already (a backoff that a
 * crash must not forget, a seal), and where one is needed (a run failed, or takes its time), it goes on under the claim.
 */
export const pureFlow = async (parts: Parts, run: IntentRun): Promise<FlowEnd> => {
  const { intent } = run;
  const [asked, [claimed]] = await Promise.all([ask(parts, run), parts.claims.read([intent.key])]);
  // of a stale one as well: a claim without an outcome is dropped there, since nobody else will
  if (claimed !== null && claimed !== undefined && (asked !== 'stale' || claimed.outcome === undefined))
    return claimedFlow(parts, run);
  if (asked === 'stale') return 'done';
  if (asked === 'unwanted') return 'done';
  if (asked !== 'wanted') return conflict(parts, run, asked.conflict);
  const refused = refusal(run) ?? (await overdue(parts, run));
  if (refused !== undefined) {
    await end(parts, run, 'failed', null, refused);
    return 'done';
  }
  if (parts.isDraining()) throw closing();
  const ending = attemptOnce(parts, run);
  const awaited = ending instanceof Promise ? await ending : ending;
  const verdict = judge(parts, run, awaited);
  // a claim that a long run asked for is on its way: it would be held by ourselves
  if (run.lateClaim !== undefined) await run.lateClaim;
  if (verdict.kind === 'ended' && run.lease === undefined) {
    await end(parts, run, verdict.status, verdict.result, verdict.error);
    return 'done';
  }
  if (verdict.kind === 'given_back' && run.lease === undefined && parts.isDraining()) throw closing();
  return claimedFlow(parts, run, { verdict, ending: awaited });
};

/** A pure tool runs for a third of a lease without a claim: it takes one, so that nobody begins it a second time. */
export const claimLate = async (parts: Parts, run: IntentRun): Promise<void> => {
  const { claims, leases } = parts;
  const { key, digest } = run.intent;
  const token = nextToken();
  const sent = leases.sentNow();
  const reply = await claims.claim({ ...key, digest, token, leaseMs: leases.leaseMs });
  switch (reply.kind) {
    case 'claimed':
    case 'taken_over':
      if (run.over) {
        await claims.drop(key, token);
        return;
      }
      run.holds(leases.hold(key, token, sent));
      // a session that ended meanwhile has dropped its claims before, and would never look at this one
      if ((await ask(parts, run)) !== 'stale') return;
      run.letGo();
      run.abort('cancelled');
      await claims.drop(key, token);
      return;
    case 'recorded':
      // sealed meanwhile: what is recorded counts, whatever the tool says
      run.abort('cancelled');
      return;
    case 'held':
    case 'conflict':
      // somebody else has it; running a pure tool beside it harms nobody
      return;
  }
};
