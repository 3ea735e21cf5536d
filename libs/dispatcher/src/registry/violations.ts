import type { ErrorObject } from 'ajv';
import { shown } from './shown.js';

const CAME_CHARS = 80;

const came = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = shown(value);
  return text.length > CAME_CHARS ? `${text.slice(0, CAME_CHARS)}…` : text;
};

/** `/legs/0/from` as a person writes it: `legs[0].from`; the root is `parameters`. */
const fieldName = (pointer: string, more?: string): string => {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (more !== undefined) parts.push(more);
  if (parts.length === 0) return 'parameters';
  return parts.reduce((name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : `${name}.${part}`));
};

const expectation = (error: ErrorObject): string => {
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'type':
      return `expected ${[params.type].flat().join(' or ')}`;
    case 'enum':
      return `expected one of ${(params.allowedValues as unknown[]).map(came).join(', ')}`;
    case 'const':
      return `expected ${came(params.allowedValue)}`;
    case 'format':
      return `expected the format ${String(params.format)}`;
    case 'pattern':
      return `expected text that matches ${String(params.pattern)}`;
    default:
      return `expected: it ${error.message ?? error.keyword}`;
  }
};

/** One sentence for each field that doesn't fit: its name, what was expected, what came. */
export const sentencesOf = (errors: readonly ErrorObject[]): string[] =>
  errors.map((error) => {
    const params = error.params as Record<string, unknown>;
    if (error.keyword === 'required')
      return `${fieldName(error.instancePath, String(params.missingProperty))}: expected a value, got nothing`;
    if (error.keyword === 'additionalProperties')
      return `${fieldName(error.instancePath, String(params.additionalProperty))}: expected no such field`;
    return `${fieldName(error.instancePath)}: ${expectation(error)}, got ${came(error.data)}`;
  });
