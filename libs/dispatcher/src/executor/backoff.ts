import type { RetryPolicy } from '#contracts';

/**
 * How long to wait after the `attempt`-th run (1, 2, …) before the next: `initialMs × factor^(attempt-1)`, at most
 * `maxMs`, with jitter of ±50 % so that what failed together doesn't come again together.
 *
 * @param random at least 0, below 1
 */
export const backoffMs = (policy: RetryPolicy, attempt: number, random: number): number => {
  const wanted = policy.initialMs * policy.factor ** (attempt - 1);
  return Math.round(Math.min(policy.maxMs, wanted) * (0.5 + random));
};
