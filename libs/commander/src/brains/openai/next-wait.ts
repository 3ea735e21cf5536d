import type { Fault } from './fault.js';
import type { Patience } from './openai.options.js';

/** Where a think stands when a request has failed. */
export interface Progress {
  /** requests made so far */
  attempts: number;
  /** since the first of them, ms */
  elapsedMs: number;
}

/**
 * How long to wait before the next request of this think, ms; null when it makes no more.
 *
 * What the server asks for is waited for in full, and up to a tenth more, so that many sessions don't come back in the
 * same moment; without a word from it, the wait grows by `factor`, between half and all of it.
 * @param random from [0, 1)
 */
export const nextWaitMs = (
  patience: Patience,
  progress: Progress,
  fault: Fault,
  random: number,
): number | null => {
  if (!fault.retry || progress.attempts >= patience.maxAttempts) return null;
  const own = Math.min(patience.initialMs * patience.factor ** (progress.attempts - 1), patience.maxWaitMs);
  const waitMs = fault.afterMs === undefined ? own * (0.5 + random / 2) : fault.afterMs * (1 + random / 10);
  const asked = fault.afterMs ?? 0;
  if (asked > patience.maxWaitMs || progress.elapsedMs + waitMs > patience.totalMs) return null;
  return Math.round(waitMs);
};
