import type { ThinkContext } from '../../brain.js';

/**
 * Since when a step waits for its brain, ms: since its observation was published, or, where that isn't known, since the
 * session was created or the latest result that the step applies, whichever is later. The time that no process was there
 * to think doesn't count: hence `processStartedAt`. (`updated_at` would tell nothing: the step has set it already.)
 */
export const waitingSince = (
  { snapshot, observed, since }: Pick<ThinkContext, 'snapshot' | 'observed' | 'since'>,
  processStartedAt: number,
): number => {
  if (since !== undefined) return Math.max(since, processStartedAt);
  const ends = observed
    .map(({ outcome }) => Date.parse(outcome.started_at) + outcome.duration_ms)
    .filter((end) => Number.isFinite(end));
  return Math.max(snapshot.fixed.created_at, processStartedAt, ...ends);
};
