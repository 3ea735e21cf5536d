import type { ErrorData, Outcome } from '#contracts';
import { DeadLetterError, SuspectError } from '#transport';
import { Attempt } from './attempt.js';
import { backoffMs } from './backoff.js';
import { ask, claim, insist, untilRebuilt } from './claim.step.js';
import { closing } from './closing.js';
import { conclude, end } from './conclude.js';
import type { Ending } from './ending.js';
import { traceRun } from './figures.js';
import type { IntentRun } from './intent.run.js';
import { approvalRequired, intentConflict, invalidParameters, outcomeOf } from './outcomes.js';
import type { FlowEnd, Parts } from './parts.js';
import { pauseUntil } from './pause.js';
import { overdue } from './queue.ttl.js';
import { type MaybeDone, ruleFour, takenOverError } from './rule.four.js';
import { needsSlot, takeSlot } from './slot.step.js';
import { type Verdict, verdictOf } from './verdict.js';

/** Why the tool isn't run at all: the Commander and the brain see it as a failure. */
export const refusal = (run: IntentRun): ErrorData | undefined => {
  const violations = run.tool?.check.violations(run.intent.parameters);
  if (violations !== undefined) return invalidParameters(violations);
  return isUnapproved(run) ? approvalRequired(run.intent.tool) : undefined;
};

/** Whoever emitted it should have asked a person, and knew of no such wish of the tool: another release, another program. */
const isUnapproved = ({
  tool,
  intent: { ours, parameters, compensates, approvedBy },
}: IntentRun): boolean => {
  const answered = ours && (compensates !== undefined || approvedBy !== undefined);
  return !answered && tool?.needsApproval(parameters) === true;
};

/** Runs the tool once; answers at once when the tool does. */
export const attemptOnce = (parts: Parts, run: IntentRun): Ending | Promise<Ending> => {
  const { tool, intent } = run;
  if (tool === undefined) throw new Error('an unknown tool is refused before it is run');
  const { clock } = parts.pulse;
  const attempt = new Attempt(intent, run.attempts + 1, {
    timeoutMs: run.timeoutMs,
    idleTimeoutMs: tool.spec.idleTimeoutMs,
  });
  const now = clock.monotonic();
  run.begins(attempt, now, clock.now());
  parts.counts.attempts++;
  if (run.attempts > 0) parts.counts.retries++;
  const ending = attempt.begin((context) => tool.run(intent.parameters, context), now);
  // only what takes its time is looked after
  if (ending instanceof Promise) parts.pulse.watch(run);
  return ending;
};

/** A run that begins within so long ends before the intent's deadline, ms. */
const roomOf = ({ pulse }: Parts, { intent: { deadlineAt }, timeoutMs }: IntentRun): number | undefined =>
  deadlineAt === undefined ? undefined : deadlineAt - timeoutMs - pulse.clock.now();

export const judge = (parts: Parts, run: IntentRun, ending: Ending): Verdict => {
  const verdict = verdictOf({
    ending,
    effect: run.effect,
    attempt: run.attempts + 1,
    maxAttempts: run.retry.maxAttempts,
    roomMs: roomOf(parts, run),
    resultLimitBytes: parts.options.resultLimitBytes,
  });
  runEnded(parts, run, verdict);
  // a run that we stopped did not end by itself
  if (verdict.kind !== 'given_back') run.attempts++;
  return verdict;
};

/** Counted once, also where its end is judged again: it had timed out, and then ended after all. */
const runEnded = (parts: Parts, run: IntentRun, verdict: Verdict): void => {
  run.underWay = false;
  if (run.counted === run.attempt || run.tool === undefined) return;
  run.counted = run.attempt;
  const { figures, pulse, options } = parts;
  figures.durations.observe(run.tool.spec.name, run.times(pulse.clock.monotonic()).durationMs / 1_000);
  if (options.tracing !== undefined) traceRun(options.tracing, run, run.attempts + 1, verdict);
};

/** What is left to do in the flow of a claimed intent. */
type Next =
  | { do: 'claim'; known?: Outcome }
  | { do: 'run' }
  | { do: 'settle'; verdict: Verdict; ending: Ending }
  | { do: 'maybe'; maybe: MaybeDone }
  | { do: 'end'; end: FlowEnd };

const ended = (how: FlowEnd): Next => ({ do: 'end', end: how });

/** The claim, what the session says, and what an earlier owner left. */
const begin = async (parts: Parts, run: IntentRun, known: Outcome | undefined): Promise<Next> => {
  const { claims, outlet, pulse } = parts;
  const { intent } = run;
  if (known !== undefined) {
    // it has run: nobody is to take a claim for a long run beside this one
    parts.pulse.leave(run);
    // no claim holds what became of it: after a loss of the store that is kept here until one can
    await untilRebuilt(parts);
  }
  const got = await claim(parts, run);
  if (got.kind === 'left') return ended('left');
  if (got.kind === 'conflict') return conflict(parts, run, got.digest);
  if (got.kind === 'recorded') {
    await outlet.publish(intent, got.outcome);
    return ended('done');
  }
  const asked = await ask(parts, run);
  // what may have been done is looked into, whatever the session wants now
  if (asked === 'stale' || (asked === 'unwanted' && !got.started && known === undefined)) {
    await drop(parts, run);
    return ended('done');
  }
  if (typeof asked === 'object') {
    await drop(parts, run);
    return conflict(parts, run, asked.conflict);
  }
  if (known !== undefined) return after(await conclude(parts, run, known));
  if (got.started && !run.repeatable) return { do: 'maybe', maybe: { error: takenOverError, seen: false } };
  if (run.tool === undefined) return noServer(parts, run);
  const { suspectAfter = Infinity } = parts.options;
  if (run.deaths >= suspectAfter) throw new SuspectError(intent.intentId, run.deaths);
  const refused = refusal(run);
  if (refused !== undefined) return after(await end(parts, run, 'failed', null, refused));
  const now = await (got.notBefore > 0 ? claims.now() : pulse.clock.now());
  if (got.notBefore > now) return resume(parts, run, await pauseUntil(parts, run, got.notBefore, now));
  return { do: 'run' };
};

const drop = async (parts: Parts, run: IntentRun): Promise<void> => {
  const { lease } = run;
  run.letGo();
  if (lease !== undefined) await parts.claims.drop(lease.key, lease.token);
};

/** Rule 12: not run; its session parks by an observation that nobody guessed, and the record is a dead letter. */
export const conflict = async (parts: Parts, run: IntentRun, digest: string): Promise<never> => {
  parts.counts.conflicts++;
  const error = intentConflict(digest, run.intent.digest);
  if (run.intent.ours) {
    const times = { attempts: 0, startedAt: parts.pulse.clock.now(), durationMs: 0 };
    await parts.outlet.publish(run.intent, outcomeOf('unknown', null, error, times));
  }
  throw new DeadLetterError(
    'intent_conflict',
    error.message,
    error.details === undefined ? {} : { details: error.details },
  );
};

/**
 * Nobody here serves the tool: a later release may, so nothing is said about its outcome. The record is a dead letter,
 * and a session of ours parks until that is redriven.
 */
const noServer = async (parts: Parts, run: IntentRun): Promise<never> => {
  await drop(parts, run);
  throw new DeadLetterError(
    'unknown_tool',
    `there is no tool ${JSON.stringify(run.intent.tool)} in this dispatcher: run one that has it (GET /v1/tools lists them) and redrive this dead letter`,
  );
};

const after = (concluded: 'done' | { again: Outcome }): Next =>
  concluded === 'done' ? ended('done') : { do: 'claim', known: concluded.again };

/** After a wait, or instead of one. */
const resume = async (
  parts: Parts,
  run: IntentRun,
  paused: Awaited<ReturnType<typeof pauseUntil>>,
): Promise<Next> => {
  switch (paused) {
    case 'left':
      return ended('left');
    case 'go_on':
      return { do: 'run' };
    case 'lost':
      run.lostClaim = true;
      run.letGo();
      return { do: 'claim' };
    case 'cancelled':
      return after(await endCancelled(parts, run));
  }
};

/** It was sealed, or is to stop and nothing was done: what is recorded counts. */
const endCancelled = (parts: Parts, run: IntentRun) =>
  end(parts, run, 'cancelled', null, {
    code: 'cancelled',
    message: 'it was cancelled before it ran',
    retryable: false,
  });

/** Runs the tool under the claim. What can't be repeated is started first, by a lease that is surely ours. */
const runClaimed = async (parts: Parts, run: IntentRun): Promise<Next> => {
  const { claims } = parts;
  const { lease } = run;
  if (lease === undefined) return { do: 'claim' };
  if (parts.isDraining()) throw closing();
  if (lease.signal === 'lost' || (!lease.isLive() && (await lease.renew()) === 'lost')) {
    run.letGo();
    return { do: 'claim' };
  }
  if (lease.signal === 'cancelled') return after(await endCancelled(parts, run));
  const late = await overdue(parts, run);
  if (late !== undefined) return after(await end(parts, run, 'failed', null, late));
  // once more from the top: a wait may have changed what was looked at
  if (needsSlot(run)) return resume(parts, run, await takeSlot(parts, run));
  if (run.marksStart) {
    const reply = await insist(parts, () => claims.start(lease.key, lease.token));
    if (reply === 'lost') {
      run.lostClaim = true;
      run.letGo();
      return { do: 'claim' };
    }
    if (reply === 'cancelled') return after(await endCancelled(parts, run));
  }
  const dueMs = timerLeftMs(parts, run);
  if (dueMs > 0) {
    await parts.pulse.until(() => lease.signal !== undefined, dueMs);
    return { do: 'run' };
  }
  const ending = await attemptOnce(parts, run);
  // one that can't be repeated may go on after its timeout, until the run is over
  if (ending.kind !== 'timeout' || run.repeatable) run.freeSlot();
  return { do: 'settle', verdict: judge(parts, run, ending), ending };
};

/** A timer of others has no session whose wake-up could bring it back: it is sat out under its claim. */
const timerLeftMs = (parts: Parts, { tool, intent, firstSeenAt }: IntentRun): number =>
  tool?.timerMs === undefined
    ? 0
    : (intent.emittedAt ?? firstSeenAt) + tool.timerMs(intent.parameters) - parts.pulse.clock.now();

const settle = async (parts: Parts, run: IntentRun, verdict: Verdict, ending: Ending): Promise<Next> => {
  switch (verdict.kind) {
    case 'ended':
      return after(await end(parts, run, verdict.status, verdict.result, verdict.error));
    case 'retry': {
      if (run.lease === undefined) return { do: 'claim' };
      const now = await parts.claims.now();
      const delayMs = verdict.afterMs ?? backoffMs(run.retry, run.attempts, parts.random());
      return resume(parts, run, await pauseUntil(parts, run, now + delayMs, now));
    }
    case 'maybe_done':
      if (run.lease?.signal === 'lost') return { do: 'claim' };
      // stopped by a shutdown: whoever takes the claim over looks into it
      if (parts.isDraining()) throw closing();
      return {
        do: 'maybe',
        maybe: {
          error: verdict.error,
          seen: ending.kind !== 'timeout',
          ...(ending.kind === 'timeout' ? { late: ending.late } : {}),
        },
      };
    case 'given_back':
      if (parts.isDraining()) return giveBack(parts, run);
      run.letGo();
      return { do: 'claim' };
  }
};

/** Nothing was done, or it may be repeated: `started` is taken back, so that the next owner runs it. */
const giveBack = async (parts: Parts, run: IntentRun): Promise<never> => {
  const { lease, intent } = run;
  run.letGo();
  if (lease !== undefined && run.marksStart) {
    const notBefore = await parts.claims.now();
    await parts.claims.defer(intent.key, lease.token, { attempts: run.attempts, notBefore, handOver: true });
  } else if (lease !== undefined) await parts.claims.handBack(intent.key, lease.token);
  throw closing();
};

const lookInto = async (parts: Parts, run: IntentRun, maybe: MaybeDone): Promise<Next> => {
  const found = await ruleFour(parts, run, maybe);
  if (found === 'left') return ended('left');
  if (found === 'done' || 'again' in found) return after(found);
  run.attempts--; // the same run, judged once more now that it has ended
  return { do: 'settle', verdict: judge(parts, run, found.ended), ending: found.ended };
};

/**
 * The way of an intent under a claim (rules 3 to 5): claim, ask the session, start what can't be repeated, run, record,
 * publish; or look into what an earlier owner left.
 *
 * @param first what happened to it already, where it began without a claim
 */
export const claimedFlow = async (
  parts: Parts,
  run: IntentRun,
  first?: { verdict: Verdict; ending: Ending },
): Promise<FlowEnd> => {
  let next: Next =
    run.lease !== undefined && first !== undefined ? { do: 'settle', ...first } : { do: 'claim' };
  let pending = run.lease === undefined ? first : undefined;
  for (;;) {
    switch (next.do) {
      case 'claim':
        next = await begin(parts, run, next.known);
        break;
      case 'run':
        // the first run was without a claim; its verdict is kept under the claim now
        next = pending === undefined ? await runClaimed(parts, run) : { do: 'settle', ...pending };
        pending = undefined;
        break;
      case 'settle':
        next = await settle(parts, run, next.verdict, next.ending);
        break;
      case 'maybe':
        next = await lookInto(parts, run, next.maybe);
        break;
      case 'end':
        return next.end;
    }
  }
};
