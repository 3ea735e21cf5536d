import type { ThinkContext } from '../../brain.js';

/**
 * Since when a step waits for its brain, ms: since the last commit, or since the latest result that it applies, whichever
 * is later. The time that no process was there to think doesn't count: hence `processStartedAt`.
 */
export const waitingSince = (
  { snapshot, observed }: Pick<ThinkContext, 'snapshot' | 'observed'>,
  processStartedAt: number,
): number => {
  const ends = observed
    .map(({ outcome }) => Date.parse(outcome.started_at) + outcome.duration_ms)
    .filter((end) => Number.isFinite(end));
  return Math.max(snapshot.updated_at, processStartedAt, ...ends);
};
