import type { ErrorData } from '#contracts';
import { shown } from '../registry/shown.js';
import type { ProbeAnswer } from '../registry/tool.definition.js';
import { Attempt } from './attempt.js';
import { backoffMs } from './backoff.js';
import { type Concluded, end } from './conclude.js';
import type { Ending } from './ending.js';
import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';
import { leaveUntil } from './pause.js';
import { readResult } from './result.js';

const PROBE_ASKED = 3;

/** Why an intent that may have been done is looked at. */
export interface MaybeDone {
  error: ErrorData;
  /** its run goes on although its time is over; it may still say how it ended */
  late?: Promise<Ending>;
  /** we saw the run end; false: it was an earlier owner's, who may still be at it */
  seen: boolean;
}

export type RuleFour = Concluded | 'left' | { ended: Ending };

export const takenOverError: ErrorData = {
  code: 'outcome_unknown',
  message: 'the dispatcher that had begun it is gone; nobody saw how it ended',
  retryable: false,
};

/** After it no run of the intent goes on, ms by the store's clock. */
const deadlineOf = (run: IntentRun, now: number): number =>
  run.intent.deadlineAt ?? (run.intent.emittedAt ?? now) + run.timeoutMs;

type Asked = ProbeAnswer | { outcome: 'no_answer'; why: string };

const askOnce = async (parts: Parts, run: IntentRun): Promise<Asked> => {
  const { tool } = run;
  if (tool?.probe === undefined) return { outcome: 'unknown' };
  const attempt = new Attempt(run.intent, run.attempts + 1, { timeoutMs: run.timeoutMs });
  run.attempt = attempt;
  const ending = await attempt.begin(
    (context) => tool.probe?.(run.intent.parameters, context),
    parts.pulse.clock.monotonic(),
  );
  run.attempt = undefined;
  if (ending.kind === 'timeout')
    return { outcome: 'no_answer', why: `it did not end within ${ending.timeoutMs} ms` };
  if (ending.kind === 'threw')
    return {
      outcome: 'no_answer',
      why: ending.error instanceof Error ? ending.error.message : String(ending.error),
    };
  const answer = ending.value as Partial<ProbeAnswer> | null | undefined;
  if (answer?.outcome === 'done' || answer?.outcome === 'not_done' || answer?.outcome === 'unknown')
    return answer as ProbeAnswer;
  return {
    outcome: 'no_answer',
    why: `it answered ${shown(answer)} instead of { outcome: 'done' | 'not_done' | 'unknown' }`,
  };
};

const askProbe = async (parts: Parts, run: IntentRun): Promise<Asked> => {
  for (let asked = 1; ; asked++) {
    const answer = await askOnce(parts, run);
    if (answer.outcome !== 'no_answer' || asked >= PROBE_ASKED) return answer;
    await parts.pulse.sleep(backoffMs(run.retry, asked, parts.random()));
  }
};

const afterDeadline = async (parts: Parts, run: IntentRun, error: ErrorData): Promise<Concluded> => {
  const answer = await askProbe(parts, run);
  switch (answer.outcome) {
    case 'done': {
      const read = readResult(answer.result, parts.options.resultLimitBytes);
      return 'error' in read
        ? end(parts, run, 'failed', null, read.error)
        : end(parts, run, 'succeeded', read.result, null);
    }
    case 'not_done':
      return end(parts, run, 'failed', null, {
        code: 'tool_failed',
        message: `the probe found that nothing was done; before: ${error.message}`,
        retryable: true,
      });
    case 'unknown':
      return end(parts, run, 'unknown', null, { ...error, code: 'outcome_unknown' });
    case 'no_answer':
      return end(parts, run, 'unknown', null, {
        ...error,
        code: 'outcome_unknown',
        message: `${error.message}; the probe can't tell: ${answer.why}`,
      });
  }
};

/**
 * Rule 4: it may have been done and must not be run again under this id. After the deadline the probe is asked, or
 * `unknown` is recorded. A run that nobody can ask about and whose end we saw needs no waiting: time adds nothing.
 */
export const ruleFour = async (parts: Parts, run: IntentRun, maybe: MaybeDone): Promise<RuleFour> => {
  const now = await parts.claims.now();
  const deadline = deadlineOf(run, now);
  if (maybe.late !== undefined) {
    let ended: Ending | undefined;
    void maybe.late.then((ending) => {
      ended = ending;
    });
    await parts.pulse.until(() => ended !== undefined, Math.max(0, deadline - now));
    if (ended !== undefined) return { ended };
  } else if (maybe.seen && run.tool?.probe === undefined) {
    return end(parts, run, 'unknown', null, { ...maybe.error, code: 'outcome_unknown' });
  } else if (now < deadline) {
    if (run.intent.ours) return leaveUntil(parts, run, deadline);
    await parts.pulse.sleep(deadline - now);
  }
  return afterDeadline(parts, run, maybe.error);
};
