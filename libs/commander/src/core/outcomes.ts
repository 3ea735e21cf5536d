import type { Approval, ErrorData, Outcome, OutcomeStatus, PendingIntent } from '#contracts';

/** An outcome that the Commander states itself, for an intent that never ran or never answered. */
const stated = (status: OutcomeStatus, error: ErrorData, now: number): Outcome => ({
  status,
  result: null,
  error,
  attempts: 0,
  started_at: new Date(now).toISOString(),
  duration_ms: 0,
});

/** Recorded when an intent is sealed: it never ran. */
export const cancelledOutcome = (now: number): Outcome =>
  stated(
    'cancelled',
    { code: 'cancelled', message: 'Its session ended before it was started.', retryable: false },
    now,
  );

/** An external tool that was asked often enough; running it twice means nothing, so it counts as failed. */
export const timedOutOutcome = (intent: PendingIntent, now: number): Outcome =>
  stated(
    'failed',
    {
      code: 'tool_timeout',
      message: `${intent.tool} gave no answer by its deadline. Is the program that serves it running?`,
      retryable: true,
    },
    now,
  );

/** An external tool without an answer that may have done it. */
export const unansweredOutcome = (intent: PendingIntent, now: number): Outcome =>
  stated(
    'unknown',
    {
      code: 'outcome_unknown',
      message: `${intent.tool} gave no answer by its deadline; it may have been done.`,
      retryable: false,
    },
    now,
  );

/** The answer is to other parameters under the same id: what became of this intent isn't known. */
export const conflictOutcome = (intent: PendingIntent, now: number): Outcome =>
  stated(
    'unknown',
    {
      code: 'intent_conflict',
      message: `The outcome of ${intent.intent_id} is of other parameters than the session sent.`,
      retryable: false,
    },
    now,
  );

/** A person has said no: it never ran. */
export const rejectedOutcome = (
  { tool }: PendingIntent,
  { by, reason }: Pick<Approval, 'by' | 'reason'>,
  now: number,
): Outcome =>
  stated(
    'failed',
    {
      code: 'approval_rejected',
      message: `${by} rejected the call of ${tool}${reason === undefined ? '' : `: ${reason}`}`,
      retryable: false,
      details: { by, ...(reason === undefined ? {} : { reason }) },
    },
    now,
  );
