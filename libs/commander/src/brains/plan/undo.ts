import { type ErrorData, type Plan, type PlanStep, repeatable, type ToolCatalogue } from '#contracts';
import type { Call, Closing, Conclusion, ThinkContext } from '../../brain.js';
import { type Compensation, compensationOf, compensationParameters } from './compensation.js';
import { orderOf, planGraph } from './plan-graph.js';
import { markOf, type Progress, readProgress, writeProgress } from './progress.js';
import { findReferences, UnresolvedReference } from './reference.js';
import { readOutcomes, resultsOf, sessionResult, type StepOutcome } from './results.js';

const UNDO = 'undo:';
/** A compensation that is tried for ever is tried after 1 s, 2 s, 4 s … at most a minute. */
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 60_000;

/** What is left to do when a plan's session is ending: undoing, if it is asked for, and the result. */
export const windUp = async (context: ThinkContext, plan: Plan): Promise<Conclusion> => {
  const { snapshot, tools } = context;
  const progress = readProgress(snapshot.brain_state, plan.steps.length);
  await catchUp(context, plan, progress);
  applyUndone(context, plan, progress);
  const { ending } = snapshot;
  if (ending?.compensate !== true) return close(context, plan, progress, endOf(context));

  const lost = ending.status === 'cancelled' ? undefined : unknownForGood(plan, progress, tools);
  if (lost !== undefined && !progress.marks.includes('U'))
    return close(context, plan, progress, { status: 'parked', error: ending.error ?? unclear(lost) });
  const calls = progress.marks.includes('x') ? [] : await nextCalls(context, plan, progress);
  if (calls.length > 0 || progress.marks.includes('U'))
    return { calls, brain_state: writeProgress(progress) };
  return close(context, plan, progress, closingOf(context, plan, progress));
};

/** The outcomes that were applied while the session only waited: nobody asked the brain then. */
const catchUp = async (context: ThinkContext, plan: Plan, { marks }: Progress): Promise<void> => {
  const underWay = plan.steps.filter((_, place) => marks[place] === 'r').map((step) => step.id);
  const { index } = planGraph(plan);
  for (const [id, { outcome }] of await readOutcomes(context, underWay)) {
    const place = index.get(id);
    if (place !== undefined) marks[place] = markOf[outcome.status];
  }
};

/** What became of the compensations observed just now, by the policy of their steps. */
const applyUndone = ({ observed, tools }: ThinkContext, plan: Plan, { marks, retries }: Progress): void => {
  const { index } = planGraph(plan);
  for (const { call, tool, outcome } of observed) {
    if (call?.startsWith(UNDO) !== true) continue;
    const id = call.slice(UNDO.length).split('#')[0] ?? '';
    const place = index.get(id);
    const step = place === undefined ? undefined : plan.steps[place];
    if (place === undefined || step === undefined) continue;
    if (outcome.status === 'succeeded') marks[place] = 'd';
    else if (step.on_compensation_failure === 'skip') marks[place] = 'k';
    else if (step.on_compensation_failure !== 'retry') marks[place] = 'x';
    // running it again may undo twice what can be undone once
    else if (outcome.status === 'unknown' && !repeatable(tools.effectOf(tool, {}))) marks[place] = 'x';
    else {
      marks[place] = 's';
      retries[id] = (retries[id] ?? 0) + 1;
    }
  }
};

/** A step that may have been done and that nothing undoes: before anything else is undone, a person looks. */
const unknownForGood = (plan: Plan, { marks }: Progress, tools: ToolCatalogue): PlanStep | undefined =>
  plan.steps.find(
    (step, place) =>
      marks[place] === 'u' &&
      compensationOf(step, tools) === undefined &&
      !repeatable(tools.effectOf(step.tool, (step.parameters ?? {}) as Record<string, never>)),
  );

const unclear = (step: PlanStep): ErrorData => ({
  code: 'outcome_unknown',
  message: `It isn't known whether step ${JSON.stringify(step.id)} (${step.tool}) was done, and nothing undoes it.`,
  retryable: false,
  details: { step: step.id, tool_name: step.tool },
});

interface Undoing {
  place: number;
  step: PlanStep;
  compensation: Compensation;
}

/** The steps whose turn it is: everything that depends on them is undone, or needs no undoing. */
const undoable = (plan: Plan, { marks }: Progress, tools: ToolCatalogue): Undoing[] => {
  const graph = planGraph(plan);
  const settled = new Array<boolean>(plan.steps.length).fill(false);
  const ready: Undoing[] = [];
  for (const place of orderOf(graph).reverse()) {
    const step = plan.steps[place];
    const mark = marks[place];
    if (step === undefined || mark === 'U' || !graph.after[place]?.every((p) => settled[p])) continue;
    const compensation = mark === 's' || mark === 'u' ? compensationOf(step, tools) : undefined;
    if (compensation === undefined) settled[place] = true;
    else ready.push({ place, step, compensation });
  }
  return ready;
};

const nextCalls = async (context: ThinkContext, plan: Plan, progress: Progress): Promise<Call[]> => {
  // what can't even be built counts as failed, which may make way for others
  for (;;) {
    const ready = undoable(plan, progress, context.tools);
    if (ready.length === 0) return [];
    const outcomes = await readOutcomes(context, new Set(ready.flatMap(readsOf)));
    const calls = ready.flatMap((undoing) => callOf(undoing, outcomes, progress) ?? []);
    if (calls.length > 0 || progress.marks.includes('x')) return calls;
  }
};

/** The steps whose outcomes are needed to build a compensation: its own, and those that are referred to. */
const readsOf = ({ step, compensation }: Undoing): string[] => {
  const from = compensation.kind === 'explicit' ? compensation.parameters : step.parameters;
  return [step.id, ...findReferences(from).map((r) => r.step)];
};

const callOf = (
  { place, step, compensation }: Undoing,
  outcomes: ReadonlyMap<string, StepOutcome>,
  { marks, retries }: Progress,
): Call | undefined => {
  const done = outcomes.get(step.id);
  try {
    const parameters = compensationParameters(compensation, step, resultsOf(outcomes));
    const tries = retries[step.id] ?? 0;
    marks[place] = 'U';
    return {
      tool: compensation.tool,
      parameters,
      call: `${UNDO}${step.id}${tries === 0 ? '' : `#${tries + 1}`}`,
      ...(done === undefined ? {} : { compensates: done.intent_id }),
      ...(step.on_compensation_failure === undefined
        ? {}
        : { on_compensation_failure: step.on_compensation_failure }),
      ...(tries === 0 ? {} : { delayMs: Math.min(RETRY_FIRST_MS * 2 ** (tries - 1), RETRY_MOST_MS) }),
    };
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    const skips = error.kind === 'nothing_there' && step.on_compensation_failure === 'skip';
    marks[place] = skips ? 'k' : 'x';
    return undefined;
  }
};

const endOf = ({ snapshot }: ThinkContext): Closing => {
  const { ending } = snapshot;
  const status = ending?.status === undefined || ending.status === 'completed' ? 'failed' : ending.status;
  return { status, ...(ending?.error === undefined ? {} : { error: ending.error }) };
};

/** Everything that could be undone is, or a compensation failed for good. */
const closingOf = (context: ThinkContext, plan: Plan, { marks }: Progress): Closing => {
  const ended = endOf(context);
  const marked = (mark: string) =>
    plan.steps.filter((_, place) => marks[place] === mark).map((step) => step.id);
  const stuck = marked('x');
  if (stuck.length > 0)
    return {
      status: 'parked',
      error: {
        code: 'compensation_failed',
        message: `These steps couldn't be undone: ${stuck.join(', ')}. A person has to look.`,
        retryable: false,
        details: { steps: stuck, ...(ended.error === undefined ? {} : { cause: { ...ended.error } }) },
      },
    };
  const skipped = marked('k');
  const error: ErrorData | undefined =
    skipped.length === 0 || ended.error === undefined
      ? ended.error
      : { ...ended.error, details: { not_undone: skipped, cause: ended.error.details ?? null } };
  const status = marks.includes('d') ? 'compensated' : ended.status;
  return { status, ...(error === undefined ? {} : { error }) };
};

/** What succeeded is the result, unless it was undone. */
const close = async (
  context: ThinkContext,
  { steps }: Plan,
  progress: Progress,
  closing: Closing,
): Promise<Conclusion> => {
  const stands = steps.filter((_, place) => progress.marks[place] === 's').map((step) => step.id);
  const result = sessionResult(steps, await readOutcomes(context, stands));
  return {
    calls: [],
    brain_state: writeProgress(progress),
    closing: { ...closing, ...(closing.status === 'compensated' ? {} : { result }) },
  };
};
