import type { ErrorData } from './errors.js';
import type { Json } from './json.js';

export const OUTCOME_STATUSES = ['succeeded', 'failed', 'unknown', 'cancelled'] as const;
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number];

/** How an intent ended. Recorded under its claim before it is published, and the same for all who ask. */
export interface Outcome {
  status: OutcomeStatus;
  /** any JSON when succeeded, else null */
  result: Json;
  /** null when succeeded */
  error: ErrorData | null;
  /** runs of the tool that ended by themselves; 0 when it never ran */
  attempts: number;
  /** RFC 3339 */
  started_at: string;
  duration_ms: number;
}

/** When an outcome's run ended, ms: the time of its observation, whoever publishes it and however often. */
export const endOf = (outcome: Outcome): number =>
  Date.parse(outcome.started_at) + Math.round(outcome.duration_ms);
