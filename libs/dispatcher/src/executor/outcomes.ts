import type { ErrorData, Json, Outcome, OutcomeStatus } from '#contracts';

/** When a run was, in ms since the epoch, and how many have ended by themselves. */
export interface RunTimes {
  attempts: number;
  startedAt: number;
  durationMs: number;
}

export const outcomeOf = (
  status: OutcomeStatus,
  result: Json,
  error: ErrorData | null,
  { attempts, startedAt, durationMs }: RunTimes,
): Outcome => ({
  status,
  result: status === 'succeeded' ? result : null,
  error,
  attempts,
  started_at: new Date(startedAt).toISOString(),
  // to the microsecond: a finer one is noise
  duration_ms: Math.max(0, Math.round(durationMs * 1000) / 1000),
});

export const invalidParameters = (violations: string[]): ErrorData => ({
  code: 'invalid_parameters',
  message: violations.join('; '),
  retryable: false,
  details: { violations },
});

export const approvalRequired = (tool: string): ErrorData => ({
  code: 'approval_required',
  message: `${tool} is called only when a person has approved the call, and nobody has been asked; it was not run`,
  retryable: false,
});

export const intentConflict = (claimed: string, came: string): ErrorData => ({
  code: 'intent_conflict',
  message: `the intent's tool and parameters (digest ${came}) aren't those that its id stands for (${claimed}); it was not run`,
  retryable: false,
  details: { expected_digest: claimed, digest: came },
});
