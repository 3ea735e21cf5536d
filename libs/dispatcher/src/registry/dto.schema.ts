import 'reflect-metadata';
import type { JsonSchema } from '#contracts';
import { classTransformer, classValidator } from './dto.libraries.js';
import type { ParameterClass } from './tool.definition.js';

export interface DtoSchema {
  schema: JsonSchema;
  /** false: some decorator says more than the schema does, so class-validator has to be asked as well */
  complete: boolean;
}

interface Rule {
  propertyName: string;
  type: string;
  name?: string;
  constraints?: unknown[];
  each?: boolean;
}

const FORMATS: Record<string, string> = {
  isEmail: 'email',
  isUuid: 'uuid',
  isUrl: 'uri',
  isRfc3339: 'date-time',
};

const valuesOf = (entries: unknown): unknown[] =>
  Array.isArray(entries) ? entries : Object.values(entries as object);

/** What one decorator means in JSON Schema; undefined: it can't be said there. */
const keywordsOf = (name: string, constraints: readonly unknown[]): JsonSchema | undefined => {
  const [first, second] = constraints;
  switch (name) {
    case 'isString':
      return { type: 'string' };
    case 'isNumber':
      return { type: 'number' };
    case 'isInt':
      return { type: 'integer' };
    case 'isBoolean':
      return { type: 'boolean' };
    case 'isObject':
      return { type: 'object' };
    case 'isArray':
      return { type: 'array' };
    case 'isIn':
      return { enum: valuesOf(first) };
    case 'isEnum':
      return { enum: valuesOf(second ?? first) };
    case 'equals':
      return { const: first };
    case 'min':
      return { minimum: first };
    case 'max':
      return { maximum: first };
    case 'isPositive':
      return { exclusiveMinimum: 0 };
    case 'isNegative':
      return { exclusiveMaximum: 0 };
    case 'isDivisibleBy':
      return { multipleOf: first };
    case 'minLength':
      return { minLength: first };
    case 'maxLength':
      return { maxLength: first };
    case 'isLength':
      return { minLength: first, ...(second === undefined ? {} : { maxLength: second }) };
    case 'isNotEmpty':
      return { not: { enum: ['', null] } };
    case 'matches':
      return first instanceof RegExp && first.flags.replace(/[gu]/g, '') === ''
        ? { pattern: first.source }
        : undefined;
    case 'arrayMinSize':
      return { minItems: first };
    case 'arrayMaxSize':
      return { maxItems: first };
    case 'arrayNotEmpty':
      return { minItems: 1 };
    case 'isDefined':
      return {};
    default: {
      const format = FORMATS[name];
      return format === undefined ? undefined : { format };
    }
  }
};

/** The class that class-transformer makes of a nested value; undefined when nothing (`@Type`) says it. */
const nestedClass = (type: ParameterClass, property: string): ParameterClass | undefined => {
  const made = classTransformer().plainToInstance(type, { [property]: [{}] }) as Record<string, unknown>;
  const value: unknown = [made[property]].flat()[0];
  const found = typeof value === 'object' && value !== null ? value.constructor : Object;
  return found === Object ? undefined : (found as ParameterClass);
};

/** What TypeScript wrote down about the property's type. */
const designType = (type: ParameterClass, property: string): unknown =>
  Reflect.getMetadata('design:type', type.prototype as object, property);

const DESIGN_TYPES = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [Array, 'array'],
]);

const propertySchema = (type: ParameterClass, property: string, rules: readonly Rule[]) => {
  let own: JsonSchema = {};
  let items: JsonSchema = {};
  let complete = true;
  let optional = false;
  for (const rule of rules) {
    if (rule.type === 'conditionalValidation') {
      if (rule.name === 'isOptional') optional = true;
      else complete = false; // ValidateIf: only the class knows when
      continue;
    }
    if (rule.type === 'whitelistValidation') continue;
    if (rule.type === 'nestedValidation') {
      const nested = nestedClass(type, property);
      const inner = nested === undefined ? undefined : dtoSchema(nested);
      if (inner?.complete !== true) complete = false;
      const schema = inner?.schema ?? { type: 'object' };
      if (rule.each === true || designType(type, property) === Array) items = { ...items, ...schema };
      else own = { ...own, ...schema };
      continue;
    }
    const keywords = keywordsOf(rule.name ?? rule.type, rule.constraints ?? []);
    if (keywords === undefined) complete = false;
    else if (rule.each === true) items = { ...items, ...keywords };
    else own = { ...own, ...keywords };
  }
  if (Object.keys(items).length > 0) own = { ...own, type: 'array', items };
  const declared = DESIGN_TYPES.get(designType(type, property));
  if (own.type === undefined && own.enum === undefined && declared !== undefined)
    own = { type: declared, ...own };
  return { schema: own, optional, complete };
};

/**
 * The JSON Schema of a class-validator DTO: each decorated property, required unless `@IsOptional`, and no others.
 * What a schema can't say (a custom validator, `@ValidateIf`) is left out of it and makes it incomplete.
 */
export const dtoSchema = (type: ParameterClass): DtoSchema => {
  const all = classValidator()
    .getMetadataStorage()
    .getTargetValidationMetadatas(type, '', true, false) as unknown as readonly Rule[];
  const byProperty = new Map<string, Rule[]>();
  for (const rule of all)
    byProperty.set(rule.propertyName, [...(byProperty.get(rule.propertyName) ?? []), rule]);
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  let complete = true;
  for (const [property, rules] of byProperty) {
    const made = propertySchema(type, property, rules);
    // an optional property may be null, as class-validator has it
    properties[property] =
      made.optional && typeof made.schema.type === 'string' && made.schema.enum === undefined
        ? { ...made.schema, type: [made.schema.type, 'null'] }
        : made.schema;
    if (!made.optional) required.push(property);
    complete &&= made.complete;
  }
  return {
    schema: { type: 'object', properties, required, additionalProperties: false },
    complete,
  };
};
