import { type ErrorData, type JsonObject, type Plan, type PlanStep } from '#contracts';
import type { AnsweredCall, Call, Decision, ThinkContext } from '../../brain.js';
import { planGraph } from './plan-graph.js';
import { markOf, type Progress, readProgress, writeProgress } from './progress.js';
import { findReferences, hasReference, resolve, UnresolvedReference } from './reference.js';
import {
  outcomesUnderWay,
  readOutcomes,
  resultsOf,
  sessionResult,
  stepKey,
  unresolvedOutcome,
} from './results.js';

type Observed = ThinkContext['observed'][number];

/** What a plan does next: the steps whose predecessors have all succeeded; ended by the first that doesn't succeed. */
export const advance = (context: ThinkContext, plan: Plan): Decision | Promise<Decision> => {
  const progress = readProgress(context.snapshot.brain_state, plan.steps.length);
  return context.resumed
    ? outcomesUnderWay(context, plan, progress).then((outcomes) => from(context, plan, progress, outcomes))
    : from(context, plan, progress, context.observed);
};

const from = (
  context: ThinkContext,
  plan: Plan,
  progress: Progress,
  observed: readonly Observed[],
): Decision | Promise<Decision> => {
  const { steps } = plan;
  const first = context.snapshot.brain_state === undefined;
  const changed = applyObserved(plan, progress, observed);
  const failure = observed.find((o) => o.outcome.status !== 'succeeded');
  if (failure !== undefined) return failed(progress, stepFailed(failure));

  const { before, after } = planGraph(plan);
  const candidates = first ? steps.keys() : new Set(changed.flatMap((place) => after[place] ?? []));
  const ready: PlanStep[] = [];
  for (const place of candidates) {
    const step = steps[place];
    if (step === undefined || progress.marks[place] !== '.') continue;
    if (before[place]?.every((p) => progress.marks[p] === 's') !== true) continue;
    progress.marks[place] = 'r';
    ready.push(step);
  }
  if (ready.some((step) => hasReference(step.parameters)))
    return withReferences(context, plan, progress, ready);
  if (ready.length > 0 || progress.marks.includes('r'))
    return { calls: ready.map((step) => callOf(step, literal(step))), brain_state: writeProgress(progress) };
  return completed(context, plan, progress);
};

const literal = (step: PlanStep): JsonObject => (step.parameters ?? {}) as JsonObject;

const callOf = (step: PlanStep, parameters: JsonObject): Call => ({
  tool: step.tool,
  parameters,
  call: stepKey(step.id),
  ...(step.compensation === undefined ? {} : { effect: 'compensatable' }),
  ...(step.approval === true ? { approval: true } : {}),
});

/** Marks the steps that the observed outcomes answer; returns the places of those that succeeded. */
const applyObserved = (plan: Plan, { marks }: Progress, observed: readonly Observed[]): number[] => {
  if (observed.length === 0) return [];
  const { index } = planGraph(plan);
  return observed.flatMap(({ call, outcome }) => {
    const place = call?.startsWith('step:') === true ? index.get(call.slice('step:'.length)) : undefined;
    if (place === undefined) return [];
    marks[place] = markOf[outcome.status];
    return outcome.status === 'succeeded' ? [place] : [];
  });
};

const stepFailed = ({ intent_id, tool, call, outcome }: Observed): ErrorData => {
  const step = call?.slice('step:'.length) ?? '';
  return {
    code: 'step_failed',
    message: `Step ${JSON.stringify(step)} (${tool}) ${outcome.status === 'failed' ? 'failed' : `ended ${outcome.status}`}: ${outcome.error?.message ?? 'no reason given'}`,
    retryable: false,
    details: {
      step,
      tool_name: tool,
      intent_id,
      ...(outcome.error === null ? {} : { error: { ...outcome.error } }),
    },
  };
};

const failed = (progress: Progress, error: ErrorData, answered?: AnsweredCall[]): Decision => ({
  calls: [],
  brain_state: writeProgress(progress),
  finish: { kind: 'failed', error },
  ...(answered === undefined ? {} : { answered }),
});

const withReferences = async (
  context: ThinkContext,
  plan: Plan,
  progress: Progress,
  ready: readonly PlanStep[],
): Promise<Decision> => {
  const named = new Set(ready.flatMap((step) => findReferences(step.parameters).map((r) => r.step)));
  const results = resultsOf(await readOutcomes(context, named));
  const calls: Call[] = [];
  for (const step of ready) {
    try {
      calls.push(callOf(step, resolve(literal(step), results) as JsonObject));
    } catch (error) {
      if (!(error instanceof UnresolvedReference)) throw error;
      return cannotRun(context, plan, progress, ready, step, error);
    }
  }
  return { calls, brain_state: writeProgress(progress) };
};

/** The step fails without being run, and the plan with it; what else was ready isn't emitted any more. */
const cannotRun = (
  context: ThinkContext,
  plan: Plan,
  progress: Progress,
  ready: readonly PlanStep[],
  step: PlanStep,
  unresolved: UnresolvedReference,
): Decision => {
  const { index } = planGraph(plan);
  for (const { id } of ready) progress.marks[index.get(id) ?? -1] = id === step.id ? 'f' : '.';
  const call = stepKey(step.id);
  const error: ErrorData = {
    code: 'ref_unresolved',
    message: `Step ${JSON.stringify(step.id)} (${step.tool}) can't be run: ${unresolved.message}`,
    retryable: false,
    details: { step: step.id, tool_name: step.tool },
  };
  return failed(progress, error, [
    { tool: step.tool, call, outcome: unresolvedOutcome(unresolved, context.now) },
  ]);
};

const completed = async (context: ThinkContext, plan: Plan, progress: Progress): Promise<Decision> => {
  const outcomes = await readOutcomes(
    context,
    plan.steps.map((step) => step.id),
  );
  return {
    calls: [],
    brain_state: writeProgress(progress),
    finish: { kind: 'completed', result: sessionResult(plan.steps, outcomes) },
  };
};
