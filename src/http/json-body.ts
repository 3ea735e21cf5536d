import { isUtf8 } from 'node:buffer';
import type { Json } from '#contracts';
import { InvalidRequest } from './problem.js';
import { shown } from './validation.js';

/** Deeper than any plan needs, and far from where recursion over the value runs out of stack. */
export const MAX_DEPTH = 100;

const BODY = '';

/** What is wrong with the shape of a value, whatever its schema; walks no deeper than the limit. */
const shapeFault = (value: unknown, depth: number): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= MAX_DEPTH) return `nesting deeper than ${MAX_DEPTH} levels`;
  if (Array.isArray(value)) {
    for (const entry of value) {
      const fault = shapeFault(entry, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const key in value) {
    if (key === '__proto__') return 'a field named __proto__';
    const fault = shapeFault((value as Record<string, unknown>)[key], depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

/**
 * Parses JSON as RFC 8259 has it: UTF-8, one value. Refuses what is legal and yet dangerous to those who walk over it:
 * endless nesting, and keys that would change an object's prototype when copied.
 *
 * Errors: {@link InvalidRequest}
 */
export const parseJson = (bytes: Buffer): Json => {
  if (!isUtf8(bytes))
    throw InvalidRequest.ofFields([
      { field: BODY, expected: 'JSON in UTF-8', came: 'bytes that are no UTF-8' },
    ]);
  const text = bytes.toString('utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw InvalidRequest.ofFields([{ field: BODY, expected: 'JSON', came: `${shown(text)} (${reason})` }]);
  }
  const fault = shapeFault(value, 0);
  if (fault !== undefined)
    throw InvalidRequest.ofFields([
      {
        field: BODY,
        expected: `at most ${MAX_DEPTH} levels of nesting and no field named __proto__`,
        came: fault,
      },
    ]);
  return value;
};
