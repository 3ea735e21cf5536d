import type { HistoryEntry, Json, JsonObject, Outcome, Plan, PlanStep } from '#contracts';
import type { ThinkContext } from '../../brain.js';
import type { Progress } from './progress.js';
import { put, type UnresolvedReference } from './reference.js';

/** The history key of a step's outcome, which is also the name of its call. */
export const stepKey = (id: string): string => `step:${id}`;
export const idOf = (key: string): string => key.slice('step:'.length);

export type StepOutcome = Extract<HistoryEntry, { kind: 'observation' }>;

/** The outcomes of these steps, by step id; those that have none are left out. */
export const readOutcomes = async (
  context: ThinkContext,
  ids: Iterable<string>,
): Promise<Map<string, StepOutcome>> => {
  const keys = Array.from(ids, stepKey);
  const outcomes = new Map<string, StepOutcome>();
  if (keys.length === 0) return outcomes;
  for (const entry of await context.history(keys))
    if (entry.kind === 'observation') outcomes.set(idOf(entry.key), entry);
  return outcomes;
};

/** The outcomes of steps that are still marked as under way: they were applied without asking the brain. */
export const outcomesUnderWay = async (
  context: ThinkContext,
  { steps }: Plan,
  { marks }: Progress,
): Promise<StepOutcome[]> => {
  const underWay = steps.filter((_, place) => marks[place] === 'r').map((step) => step.id);
  return [...(await readOutcomes(context, underWay)).values()];
};

/** What a `$ref` can point into: the results of those that succeeded. */
export const resultsOf = (outcomes: ReadonlyMap<string, StepOutcome>): Map<string, Json> => {
  const results = new Map<string, Json>();
  for (const [id, { outcome }] of outcomes)
    if (outcome.status === 'succeeded') results.set(id, outcome.result);
  return results;
};

/** The result of a session: what each step that succeeded gave, under its id, in the order of the plan. */
export const sessionResult = (
  steps: readonly PlanStep[],
  outcomes: ReadonlyMap<string, StepOutcome>,
): JsonObject => {
  const results = resultsOf(outcomes);
  const out: JsonObject = {};
  for (const { id } of steps) {
    const result = results.get(id);
    if (result !== undefined) put(out, id, result);
  }
  return out;
};

/** Of a call that never ran, since what its parameters refer to isn't there. */
export const unresolvedOutcome = ({ message }: UnresolvedReference, now: number): Outcome => ({
  status: 'failed',
  result: null,
  error: { code: 'ref_unresolved', message, retryable: false },
  attempts: 0,
  started_at: new Date(now).toISOString(),
  duration_ms: 0,
});
