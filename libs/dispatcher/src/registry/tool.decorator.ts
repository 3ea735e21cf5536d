import 'reflect-metadata';
import type { ToolOptions } from './tool.definition.js';

/** A name, not a symbol: a tool file may load another copy of this package, and is to be found all the same. */
const METADATA = 'dormouse:tool';

/**
 * Makes a method of any Nest provider a tool. It is called with the parameters, which fit `options.parameters`, and a
 * `ToolContext`; it is found once, at start. A name that is taken, a compensation that is missing or an invalid
 * schema stop the start.
 */
export const Tool =
  <P>(options: ToolOptions<P>) =>
  (_target: object, _key: string | symbol, descriptor: PropertyDescriptor): void => {
    Reflect.defineMetadata(METADATA, options, descriptor.value as object);
  };

/** What `@Tool` was given on this method; undefined: it is no tool. */
export const toolOptionsOf = (method: unknown): ToolOptions | undefined =>
  typeof method === 'function'
    ? (Reflect.getMetadata(METADATA, method) as ToolOptions | undefined)
    : undefined;

/** The names of the methods of this class, inherited ones included, that carry `@Tool`. */
export const toolMethodsOf = (type: { prototype?: unknown }): string[] => {
  const names = new Set<string>();
  for (
    let at = type.prototype as object | null | undefined;
    at !== null && at !== undefined && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value: unknown = Object.getOwnPropertyDescriptor(at, name)?.value;
      if (toolOptionsOf(value) !== undefined) names.add(name);
    }
  }
  return [...names];
};
