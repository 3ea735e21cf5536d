import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { ValidationError } from 'class-validator';
import type { JsonSchema } from '#contracts';
import { classTransformer, classValidator } from './dto.libraries.js';
import { dtoSchema } from './dto.schema.js';
import { jsonCopy } from '../plain.copy.js';
import { shown } from './shown.js';
import type { ParameterClass } from './tool.definition.js';
import { sentencesOf } from './violations.js';

/** Tells whether parameters fit, and makes them what the tool's method expects. */
export interface ParameterCheck {
  schema: JsonSchema;
  /** undefined: they fit; else one sentence per field that doesn't */
  violations(parameters: unknown): string[] | undefined;
  /** an instance of the DTO, or a copy of the parameters */
  prepare(parameters: object): unknown;
}

const AJV: Options = { allErrors: true, strict: false, verbose: true };
// the formats are a CommonJS default export
const addFormats = formats as unknown as (ajv: Ajv | Ajv2020) => void;

const compile = (schema: JsonSchema): ValidateFunction => {
  const is2020 = typeof schema.$schema === 'string' && schema.$schema.includes('2020-12');
  // one compiler per tool: an `$id` of one can't get in the way of another's
  const ajv = is2020 ? new Ajv2020(AJV) : new Ajv(AJV);
  addFormats(ajv);
  return ajv.compile(schema);
};

const dtoSentences = (errors: readonly ValidationError[], path = ''): string[] =>
  errors.flatMap((error) => {
    const name = path === '' ? error.property : `${path}.${error.property}`;
    const own = Object.values(error.constraints ?? {}).map(
      (what) => `${name}: expected: ${what}, got ${shown(error.value)}`,
    );
    return [...own, ...dtoSentences(error.children ?? [], name)];
  });

/**
 * Errors: whatever makes the schema no schema; its message names the place.
 */
export const parameterCheck = (parameters: ParameterClass | JsonSchema): ParameterCheck => {
  if (typeof parameters !== 'function') {
    const schema = parameters.type === undefined ? { type: 'object', ...parameters } : parameters;
    if (schema.type !== 'object') throw new Error(`its type is ${JSON.stringify(schema.type)}, not "object"`);
    const validate = compile(schema);
    return {
      schema,
      violations: (value) => (validate(value) ? undefined : sentencesOf(validate.errors ?? [])),
      // the intent's own stay as they are, whatever the tool does with its
      prepare: (value) => jsonCopy(value),
    };
  }
  const { plainToInstance } = classTransformer();
  const { schema, complete } = dtoSchema(parameters);
  const validate = compile(schema);
  return {
    schema,
    violations: (value) => {
      if (!validate(value)) return sentencesOf(validate.errors ?? []);
      // class-validator costs ten times as much: it is asked only for what the schema can't say
      if (complete) return undefined;
      const errors = classValidator().validateSync(plainToInstance(parameters, value as object), {
        forbidUnknownValues: false,
      });
      return errors.length === 0 ? undefined : dtoSentences(errors);
    },
    prepare: (value) => plainToInstance(parameters, value),
  };
};
