import type { Json, JsonObject } from '#contracts';

/** Deeper ones are left to the JSON writer, which says what it can't do. */
const MOST_LEVELS = 100;

/** A value that JSON writes as it is, copied; undefined: it isn't one. */
const copy = (value: unknown, levels: number): Json | undefined => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      // JSON has no -0
      return Number.isFinite(value) ? value + 0 : undefined;
    case 'object':
      if (value === null) return null;
      if (levels === 0) return undefined;
      return Array.isArray(value) ? copyArray(value, levels - 1) : copyObject(value, levels - 1);
    default:
      return undefined;
  }
};

const copyArray = (array: readonly unknown[], levels: number): Json[] | undefined => {
  if ('toJSON' in array) return undefined;
  const out: Json[] = [];
  for (const item of array) {
    const part = copy(item, levels);
    if (part === undefined) return undefined;
    out.push(part);
  }
  return out;
};

const copyObject = (object: object, levels: number): JsonObject | undefined => {
  const prototype: unknown = Object.getPrototypeOf(object);
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in object) return undefined;
  const out: JsonObject = {};
  for (const key of Object.keys(object)) {
    const part = copy((object as Record<string, unknown>)[key], levels);
    // assigning to __proto__ would be no copy
    if (part === undefined || key === '__proto__') return undefined;
    out[key] = part;
  }
  return out;
};

/** A copy that shares nothing with a plain JSON value; undefined where only the JSON writer knows what becomes of it. */
export const plainCopy = (value: unknown): Json | undefined => copy(value, MOST_LEVELS);

/**
 * What JSON makes of a value, sharing nothing with it.
 * @throws TypeError the value has no JSON (a circle, a BigInt); `undefined` comes back as it is
 */
export const jsonCopy = (value: unknown): Json | undefined => {
  const plain = plainCopy(value);
  if (plain !== undefined) return plain;
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as Json);
};
