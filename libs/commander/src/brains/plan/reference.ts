import type { Json, JsonObject } from '#contracts';

/** `{"$ref": step, "pointer": RFC 6901}`: a part of an earlier result; no pointer: the whole. */
interface Reference {
  $ref: unknown;
  pointer?: unknown;
}

/** A reference, the place where it stands (RFC 6901, within the parameters), and what is wrong with its form. */
export interface FoundReference {
  at: string;
  step: string;
  pointer: string;
  malformed?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A plan's references were checked to be text when it was submitted. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Any object with a `$ref` is meant as a reference: a literal one can't be written. */
export const isReference = (value: unknown): value is Reference =>
  isObject(value) && Object.hasOwn(value, '$ref');

/** One token of a pointer, as RFC 6901 section 3 writes it. */
export const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');
const unescapeToken = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');

/** Why this isn't a JSON Pointer (RFC 6901 section 3); undefined when it is. */
const pointerFault = (pointer: unknown): string | undefined => {
  if (typeof pointer !== 'string') return 'a pointer that is no text';
  if (pointer !== '' && !pointer.startsWith('/'))
    return `${JSON.stringify(pointer)}, which doesn't begin with /`;
  return /~(?![01])/.test(pointer) ? `${JSON.stringify(pointer)}, in which ~ isn't written ~0` : undefined;
};

const formFault = (reference: Reference): string | undefined => {
  if (typeof reference.$ref !== 'string') return 'a $ref that is no text';
  const extra = Object.keys(reference).find((key) => key !== '$ref' && key !== 'pointer');
  if (extra !== undefined) return `a field ${JSON.stringify(extra)} beside $ref`;
  return reference.pointer === undefined ? undefined : pointerFault(reference.pointer);
};

/** Every reference within a value, however deep. */
export const findReferences = (value: unknown, at = ''): FoundReference[] => {
  if (isReference(value)) {
    const malformed = formFault(value);
    return [
      {
        at,
        step: textOf(value.$ref),
        pointer: textOf(value.pointer),
        ...(malformed === undefined ? {} : { malformed }),
      },
    ];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => findReferences(item, `${at}/${index}`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => findReferences(item, `${at}/${escapeToken(key)}`));
};

/** What a pointer finds (RFC 6901 section 4); undefined when it finds nothing. */
export const evaluatePointer = (document: Json, pointer: string): Json | undefined => {
  if (pointer === '') return document;
  let value: Json | undefined = document;
  for (const token of pointer.slice(1).split('/').map(unescapeToken)) {
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(token) ? value[Number(token)] : undefined;
    else if (isObject(value)) value = Object.hasOwn(value, token) ? value[token] : undefined;
    else return undefined;
    if (value === undefined) return undefined;
  }
  return value;
};

/** A reference that finds nothing. */
export class UnresolvedReference extends Error {
  constructor(
    readonly step: string,
    readonly pointer: string,
    readonly kind: 'no_result' | 'nothing_there',
  ) {
    super(
      kind === 'no_result'
        ? `There is no result of step ${JSON.stringify(step)}.`
        : `The result of step ${JSON.stringify(step)} has nothing at ${JSON.stringify(pointer)}.`,
    );
  }
}

/**
 * The value with every reference replaced by what it stands for. A value without references comes back as it is.
 * @throws UnresolvedReference
 */
export const resolve = (value: Json, results: ReadonlyMap<string, Json>): Json => {
  if (value === null || typeof value !== 'object') return value;
  if (isReference(value)) {
    const step = textOf(value.$ref);
    const pointer = textOf(value.pointer);
    const result = results.get(step);
    if (result === undefined) throw new UnresolvedReference(step, pointer, 'no_result');
    const found = evaluatePointer(result, pointer);
    if (found === undefined) throw new UnresolvedReference(step, pointer, 'nothing_there');
    return found;
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, results));
  const out: JsonObject = {};
  for (const key of Object.keys(value)) put(out, key, resolve(value[key] ?? null, results));
  return out;
};

/** Assigning to `__proto__` would change the object's prototype; as a field it is data like any other. */
export const put = (object: JsonObject, key: string, value: Json): void => {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
};

/** Whether there is any reference; most parameters have none and need no second look. */
export const hasReference = (value: unknown): boolean => {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasReference);
  return isReference(value) || Object.values(value).some(hasReference);
};
