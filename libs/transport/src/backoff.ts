import { DormouseError } from '#contracts';

/** How long a key whose handler failed is left alone. */
export interface Backoff {
  /** before the first repetition */
  initialMs: number;
  factor: number;
  /** the longest delay, and the only one for an error that says that trying again doesn't help */
  maxMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 10_000 };

/**
 * Half of it fixed, half of it random: keys that failed together don't come back together, and none at once.
 *
 * An error that isn't `retryable` is still tried again (a record is never given up in silence), but rarely.
 *
 * @param failures how often it has failed: 1, 2, …
 * @param random at least 0, below 1
 */
export const retryDelayMs = (backoff: Backoff, failures: number, error: unknown, random: number): number => {
  const hopeless = DormouseError.is(error) && !error.retryable;
  const full = hopeless
    ? backoff.maxMs
    : Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (failures - 1));
  return Math.round(full / 2 + (full / 2) * random);
};
