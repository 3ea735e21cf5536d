import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FieldProblem } from '#contracts';

/**
 * RFC 3339, and a date that exists. ("23:59:60" is legal there, and yet no `Date`.)
 * https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
export const isDateTime = (text: string): boolean => {
  if (!DATE_TIME.test(text) || Number.isNaN(Date.parse(text))) return false;
  // V8 reads 31 February as 3 March
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
};

const MAX_PROBLEMS = 20;
const SHOWN_CHARS = 60;

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  strict: true,
  // "exactly one of input, plan" is a oneOf of two `required`s, beside the properties
  strictRequired: false,
  formats: { 'date-time': isDateTime },
});

/** What came, cut to what helps. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return typeof value;
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
};

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const problemOf = (error: ErrorObject): FieldProblem | undefined => {
  const at = error.instancePath;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(params.additionalProperty);
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      return {
        field: `${at}/${escaped(name)}`,
        expected: `one of ${known.join(', ')}`,
        came: 'an unknown field',
      };
    }
    case 'required':
      // the alternatives of a oneOf are told by the oneOf itself
      if (error.schemaPath.includes('/oneOf/')) return undefined;
      return {
        field: `${at}/${escaped(String(params.missingProperty))}`,
        expected: 'it to be there',
        came: 'nothing',
      };
    case 'oneOf': {
      // what isn't an object is told by its type
      if (typeof error.data !== 'object' || error.data === null || Array.isArray(error.data))
        return undefined;
      const names = (error.schema as { required?: string[] }[]).map(
        (option) => option.required?.join(' and ') ?? '',
      );
      const both = Array.isArray(params.passingSchemas);
      return {
        field: at,
        expected: `exactly one of ${names.join(', ')}`,
        came: both ? names.join(' and ') : 'none of them',
      };
    }
    case 'const':
      if (error.schemaPath.includes('/anyOf/')) return undefined;
      return { field: at, expected: shown(params.allowedValue), came: shown(error.data) };
    case 'anyOf': {
      const options = (error.schema as { const?: unknown; type?: string }[]).map((o) =>
        'const' in o ? shown(o.const) : (o.type ?? ''),
      );
      return { field: at, expected: `one of ${options.join(', ')}`, came: shown(error.data) };
    }
    case 'type':
      if (error.schemaPath.includes('/anyOf/')) return undefined;
      return { field: at, expected: [params.type].flat().join(' or '), came: shown(error.data) };
    case 'pattern':
      return { field: at, expected: `text that matches ${String(params.pattern)}`, came: shown(error.data) };
    case 'format':
      return {
        field: at,
        expected: 'a time as RFC 3339 has it, such as 2026-01-27T10:00:00Z',
        came: shown(error.data),
      };
    case 'minLength':
    case 'maxLength':
      return {
        field: at,
        expected: `${error.keyword === 'minLength' ? 'at least' : 'at most'} ${String(params.limit)} characters`,
        came: String(String(error.data).length),
      };
    case 'minItems':
    case 'maxItems':
      return {
        field: at,
        expected: `${error.keyword === 'minItems' ? 'at least' : 'at most'} ${String(params.limit)} entries`,
        came: `${(error.data as unknown[]).length}`,
      };
    case 'minimum':
    case 'maximum':
      return {
        field: at,
        expected: `a number ${String(params.comparison)} ${String(params.limit)}`,
        came: shown(error.data),
      };
    case 'propertyNames':
      return undefined;
    default:
      return { field: at, expected: error.message ?? error.keyword, came: shown(error.data) };
  }
};

/** All that is wrong, a few at most; never empty for a failed validation. */
const problemsOf = (errors: readonly ErrorObject[]): FieldProblem[] => {
  const problems = errors.flatMap((error) => problemOf(error) ?? []).slice(0, MAX_PROBLEMS);
  return problems.length > 0
    ? problems
    : [{ field: '', expected: 'a body as /openapi.json says', came: 'another' }];
};

/** Undefined when the value fits, else what doesn't. */
export type Check = (value: unknown) => FieldProblem[] | undefined;

/** Compiles a schema of the contracts; one call a schema, at start. */
export const checkOf = (schema: object): Check => {
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) => (validate(value) ? undefined : problemsOf(validate.errors ?? []));
};
