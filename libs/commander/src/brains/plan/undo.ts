import { type Plan, type PlanStep, repeatable, type ToolCatalogue } from '#contracts';
import type { Call, Closing, Conclusion, ThinkContext, UnmadeCall } from '../../brain.js';
import { compensationEnd } from '../../core/stuck.js';
import { undoingStuck, withNotUndone } from '../undoing-end.js';
import {
  type Compensation,
  compensationOf,
  compensationParameters,
  unresolvedParameters,
} from './compensation.js';
import { orderOf, planGraph } from './plan-graph.js';
import { markOf, type Progress, readProgress, writeProgress } from './progress.js';
import { findReferences, UnresolvedReference } from './reference.js';
import {
  idOf,
  outcomesUnderWay,
  readOutcomes,
  resultsOf,
  sessionResult,
  type StepOutcome,
  unresolvedOutcome,
} from './results.js';

const UNDO = 'undo:';
/** A compensation that is tried for ever is tried after 1 s, 2 s, 4 s … at most a minute. */
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 60_000;

/** What is left to do when a plan's session is ending: undoing, if it is asked for, and the result. */
export const windUp = async (context: ThinkContext, plan: Plan): Promise<Conclusion> => {
  const { snapshot } = context;
  const progress = readProgress(snapshot.brain_state, plan.steps.length);
  await catchUp(context, plan, progress);
  applyUndone(context, plan, progress);
  const { ending } = snapshot;
  if (ending?.compensate !== true) return close(context, plan, progress, endOf(context));

  const { calls, unmade } = progress.marks.includes('x')
    ? { calls: [], unmade: [] }
    : await nextCalls(context, plan, progress);
  const conclusion =
    calls.length > 0 || progress.marks.includes('U')
      ? { calls, brain_state: writeProgress(progress) }
      : await close(context, plan, progress, closingOf(context, plan, progress));
  return unmade.length === 0 ? conclusion : { ...conclusion, unmade };
};

/** The outcomes that were applied while the session only waited: nobody asked the brain then. */
const catchUp = async (context: ThinkContext, plan: Plan, progress: Progress): Promise<void> => {
  const { index } = planGraph(plan);
  for (const { key, outcome } of await outcomesUnderWay(context, plan, progress)) {
    const place = index.get(idOf(key));
    if (place !== undefined) progress.marks[place] = markOf[outcome.status];
  }
};

const MARKS = { done: 'd', skipped: 'k', stuck: 'x', again: 's' } as const;

/** What became of the compensations observed just now, by the policy of their steps. */
const applyUndone = ({ observed, tools }: ThinkContext, plan: Plan, { marks, retries }: Progress): void => {
  const { index } = planGraph(plan);
  for (const { call, tool, outcome } of observed) {
    if (call?.startsWith(UNDO) !== true) continue;
    const id = call.slice(UNDO.length).split('#')[0] ?? '';
    const place = index.get(id);
    const step = place === undefined ? undefined : plan.steps[place];
    if (place === undefined || step === undefined) continue;
    const mayRepeat = repeatable(tools.effectOf(tool, {}));
    const end = compensationEnd(outcome, step.on_compensation_failure, mayRepeat);
    marks[place] = MARKS[end];
    if (end === 'again') retries[id] = (retries[id] ?? 0) + 1;
  }
};

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

interface NextCalls {
  calls: Call[];
  unmade: UnmadeCall<Call>[];
}

const nextCalls = async (context: ThinkContext, plan: Plan, progress: Progress): Promise<NextCalls> => {
  const next: NextCalls = { calls: [], unmade: [] };
  // what is skipped because it can't be built makes way for others
  for (;;) {
    const ready = undoable(plan, progress, context.tools);
    if (ready.length === 0) return next;
    const outcomes = await readOutcomes(context, new Set(ready.flatMap(readsOf)));
    for (const undoing of ready) add(next, context, undoing, outcomes, progress);
    if (next.calls.length > 0 || next.unmade.length > 0) return next;
  }
};

/** The steps whose outcomes are needed to build a compensation: its own, and those that are referred to. */
const readsOf = ({ step, compensation }: Undoing): string[] => {
  const from = compensation.kind === 'explicit' ? compensation.parameters : step.parameters;
  return [step.id, ...findReferences(from).map((r) => r.step)];
};

const add = (
  next: NextCalls,
  { tools, now }: ThinkContext,
  { place, step, compensation }: Undoing,
  outcomes: ReadonlyMap<string, StepOutcome>,
  { marks, retries }: Progress,
): void => {
  const done = outcomes.get(step.id);
  const tries = retries[step.id] ?? 0;
  const call: Call = {
    tool: compensation.tool,
    parameters: unresolvedParameters(compensation, step),
    call: `${UNDO}${step.id}${tries === 0 ? '' : `#${tries + 1}`}`,
    ...(done === undefined ? {} : { compensates: done.intent_id }),
    ...(step.on_compensation_failure === undefined
      ? {}
      : { on_compensation_failure: step.on_compensation_failure }),
    ...(tries === 0 ? {} : { delayMs: Math.min(RETRY_FIRST_MS * 2 ** (tries - 1), RETRY_MOST_MS) }),
  };
  try {
    const parameters = compensationParameters(compensation, step, resultsOf(outcomes), tools);
    marks[place] = 'U';
    next.calls.push({ ...call, parameters });
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    const skips = error.kind === 'nothing_there' && step.on_compensation_failure === 'skip';
    marks[place] = skips ? 'k' : 'x';
    if (!skips) next.unmade.push({ call, outcome: unresolvedOutcome(error, now) });
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
  if (stuck.length > 0) return undoingStuck('steps', stuck, { steps: stuck }, ended.error);
  const error = withNotUndone(ended.error, marked('k'));
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
