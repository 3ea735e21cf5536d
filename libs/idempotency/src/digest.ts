import { hash } from 'node:crypto';
import type { Json } from '#contracts';

/** JSON with the keys of every object in order: equal values are equal text. */
export const canonicalJson = (value: unknown): string => {
  if (value === null || typeof value !== 'object')
    return value === undefined ? 'null' : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const object = value as Record<string, unknown>;
  const fields = Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`).join(',')}}`;
};

const sha256 = (text: string): string => hash('sha256', text, 'base64url');

/** Tells two calls apart: SHA-256 of the tool's name and its parameters in canonical JSON, base64url. */
export const intentDigest = (tool: string, parameters: unknown): string =>
  sha256(`${tool}\n${canonicalJson(parameters)}`);

/** Tells two request bodies apart (Idempotency-Key). */
export const bodyDigest = (body: Json): string => sha256(canonicalJson(body));
