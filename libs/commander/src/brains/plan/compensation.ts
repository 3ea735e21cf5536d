import type { Json, JsonObject, JsonSchema, PlanStep, ToolCatalogue } from '#contracts';
import { put, resolve } from './reference.js';

/** How a step is undone: by what its plan says, else by what its tool declares. */
export type Compensation =
  | { kind: 'explicit'; tool: string; parameters: JsonObject }
  | { kind: 'declared'; tool: string; schema: JsonSchema };

/** Undefined when there is nothing to undo the step with, or nothing to undo. */
export const compensationOf = (step: PlanStep, tools: ToolCatalogue): Compensation | undefined => {
  if (step.compensation !== undefined) {
    const { tool, parameters } = step.compensation;
    return { kind: 'explicit', tool, parameters: (parameters ?? {}) as JsonObject };
  }
  const spec = tools.get(step.tool);
  if (spec?.compensation === undefined) return undefined;
  const effect =
    spec.effect === 'by_parameters'
      ? tools.effectOf(step.tool, (step.parameters ?? {}) as JsonObject)
      : spec.effect;
  if (effect === 'pure') return undefined;
  return {
    kind: 'declared',
    tool: spec.compensation,
    schema: tools.get(spec.compensation)?.parameters ?? {},
  };
};

/**
 * The parameters of a compensation.
 *
 * An explicit one's are those of the plan, references resolved. A declared one gets, for each property of its own
 * schema: `parameters` and `result` whole if it has properties of these names, else the field of that name of the
 * result, else of the original parameters; a field that neither has is left out. One whose schema names no properties
 * gets `{parameters, result}`. The result is absent when the outcome is unknown.
 * @throws UnresolvedReference
 */
export const compensationParameters = (
  compensation: Compensation,
  step: PlanStep,
  results: ReadonlyMap<string, Json>,
): JsonObject => {
  if (compensation.kind === 'explicit') return resolve(compensation.parameters, results) as JsonObject;
  const parameters = resolve((step.parameters ?? {}) as JsonObject, results);
  const result = results.get(step.id);
  const whole: JsonObject = { parameters, ...(result === undefined ? {} : { result }) };
  const { properties } = compensation.schema;
  if (typeof properties !== 'object' || properties === null || Object.keys(properties).length === 0)
    return whole;
  const picked: JsonObject = {};
  for (const name of Object.keys(properties)) {
    const value = field(whole, name) ?? field(result, name) ?? field(parameters, name);
    if (value !== undefined) put(picked, name, value);
  }
  return picked;
};

const field = (value: Json | undefined, name: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? value[name]
    : undefined;
