import type { Readiness } from '#contracts';
import { within } from '../../within.js';

/** One thing that must work before a process is ready; rejects with what is wrong. */
export interface ReadyCheck {
  name: string;
  check: () => Promise<void>;
}

/** A check that hangs has failed. */
const PATIENCE_MS = 2_000;

const outcomeOf = async (
  { name, check }: ReadyCheck,
  patienceMs: number,
): Promise<Readiness['checks'][number]> => {
  try {
    await within(patienceMs, check());
    return { name, ok: true };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
};

export const readinessOf = async (
  checks: readonly ReadyCheck[],
  patienceMs = PATIENCE_MS,
): Promise<Readiness> => {
  const outcomes = await Promise.all(checks.map((check) => outcomeOf(check, patienceMs)));
  return { status: outcomes.every((o) => o.ok) ? 'ready' : 'not_ready', checks: outcomes };
};
