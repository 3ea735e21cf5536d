import type { Json, JsonObject, ToolCatalogue } from '#contracts';
import { put } from './plan/reference.js';

/** The tool that undoes this call, as its own tool declares it; undefined when none does, or there is nothing to undo. */
export const declaredCompensation = (
  tool: string,
  parameters: JsonObject,
  tools: ToolCatalogue,
): string | undefined => {
  const spec = tools.get(tool);
  if (spec?.compensation === undefined) return undefined;
  const effect = spec.effect === 'by_parameters' ? tools.effectOf(tool, parameters) : spec.effect;
  return effect === 'pure' ? undefined : spec.compensation;
};

/**
 * What a declared compensation is called with: for each property of its own schema `parameters` and `result` whole if it
 * has properties of these names, else the field of that name of the result, else of the original parameters; a field
 * that neither has is left out. One whose schema names no properties gets `{parameters, result}`.
 *
 * @param result undefined when the outcome is unknown
 */
export const declaredParameters = (
  compensation: string,
  parameters: Json,
  result: Json | undefined,
  tools: ToolCatalogue,
): JsonObject => {
  const whole: JsonObject = { parameters, ...(result === undefined ? {} : { result }) };
  const properties = tools.get(compensation)?.parameters.properties;
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
