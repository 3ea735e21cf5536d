import type { Json, JsonObject, PlanStep, ToolCatalogue } from '#contracts';
import { declaredCompensation, declaredParameters } from '../declared-compensation.js';
import { resolve } from './reference.js';

/** How a step is undone: by what its plan says, else by what its tool declares. */
export type Compensation =
  { kind: 'explicit'; tool: string; parameters: JsonObject } | { kind: 'declared'; tool: string };

const given = (step: PlanStep): JsonObject => (step.parameters ?? {}) as JsonObject;

/** Undefined when there is nothing to undo the step with, or nothing to undo. */
export const compensationOf = (step: PlanStep, tools: ToolCatalogue): Compensation | undefined => {
  if (step.compensation !== undefined) {
    const { tool, parameters } = step.compensation;
    return { kind: 'explicit', tool, parameters: (parameters ?? {}) as JsonObject };
  }
  const tool = declaredCompensation(step.tool, given(step), tools);
  return tool === undefined ? undefined : { kind: 'declared', tool };
};

/** The parameters of a compensation before any reference is resolved: what a person is shown of one that can't be. */
export const unresolvedParameters = (compensation: Compensation, step: PlanStep): JsonObject =>
  compensation.kind === 'explicit' ? compensation.parameters : given(step);

/**
 * The parameters of a compensation: those of the plan, references resolved, or what {@link declaredParameters} says.
 * @throws UnresolvedReference
 */
export const compensationParameters = (
  compensation: Compensation,
  step: PlanStep,
  results: ReadonlyMap<string, Json>,
  tools: ToolCatalogue,
): JsonObject =>
  compensation.kind === 'explicit'
    ? (resolve(compensation.parameters, results) as JsonObject)
    : declaredParameters(compensation.tool, resolve(given(step), results), results.get(step.id), tools);
