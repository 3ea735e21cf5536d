import fc from 'fast-check';
import type { Document, Schema } from './openapi.js';

/** Any JSON, biased to what breaks programs: odd texts, huge numbers, empty and nested things. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(
    '',
    ' ',
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    "'; DROP TABLE sessions; --",
    '../../etc/passwd',
    '9999-12-31T23:59:59Z',
    0,
    -0,
    -1,
    1e308,
    Number.MAX_SAFE_INTEGER + 2,
    null,
    [],
    {},
    { $ref: 'nothing' },
    { $ref: 1, pointer: '/' },
  ),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

const TIMES = fc.constantFrom(
  '2030-01-27T10:00:00Z',
  '2020-01-01T00:00:00.000Z',
  '2026-06-30T23:59:59+14:00',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
);

/** Values that fit a schema of the document. */
export class SchemaArbitrary {
  constructor(
    private readonly document: Document,
    /** names of tools and the like that make a request more than well-formed */
    private readonly known: Record<string, readonly unknown[]>,
  ) {}

  /** `wild`: one value in a few doesn't fit */
  of(schema: Schema, wild: boolean, name = ''): fc.Arbitrary<unknown> {
    const fits = this.fitting(this.resolved(schema), wild, name);
    const known = this.known[name];
    const good =
      known === undefined
        ? fits
        : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fits });
    return wild ? fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: nasty }) : good;
  }

  private resolved(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const name = schema.$ref.replace('#/components/schemas/', '');
    const target = this.document.components.schemas[name];
    if (target === undefined) throw new Error(`${schema.$ref} leads nowhere`);
    return target;
  }

  private fitting(schema: Schema, wild: boolean, name: string): fc.Arbitrary<unknown> {
    if ('const' in schema) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.anyOf !== undefined)
      return fc.oneof(...schema.anyOf.map((option) => this.of(option, wild, name)));
    switch (schema.type) {
      case 'object':
        return this.object(schema, wild);
      case 'array':
        return fc.array(this.of(schema.items ?? {}, wild, name), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 4, 4),
        });
      case 'string':
        return this.text(schema);
      case 'integer':
        return fc.oneof(
          fc.integer({ min: schema.minimum ?? -1000, max: Math.min(schema.maximum ?? 1000, 2 ** 31 - 1) }),
          fc.constantFrom(schema.minimum ?? 0, schema.maximum ?? 1),
        );
      case 'number':
        return fc.double({ noNaN: true, noDefaultInfinity: true });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  private text(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.format === 'date-time') return TIMES;
    // `$` at the end of a pattern would let fast-check add a line break
    if (schema.pattern !== undefined)
      return fc.stringMatching(new RegExp(schema.pattern), { maxLength: schema.maxLength ?? 64 });
    return fc.string({
      unit: 'grapheme',
      minLength: schema.minLength ?? 0,
      maxLength: Math.min(schema.maxLength ?? 40, 40),
    });
  }

  private object(schema: Schema, wild: boolean): fc.Arbitrary<unknown> {
    const alternatives = schema.oneOf?.map(({ required = [] }) => required) ?? [[]];
    return fc.oneof(...alternatives.map((chosen) => this.record(schema, chosen, alternatives.flat(), wild)));
  }

  private record(
    schema: Schema,
    chosen: string[],
    exclusive: string[],
    wild: boolean,
  ): fc.Arbitrary<unknown> {
    const properties = Object.entries(schema.properties ?? {}).filter(
      ([name]) => wild || chosen.includes(name) || !exclusive.includes(name),
    );
    const required = new Set([...(schema.required ?? []), ...chosen]);
    const model = Object.fromEntries(
      properties.map(([name, property]) => [name, this.of(property, wild, name)]),
    );
    const named = fc.record(model, {
      requiredKeys: wild ? [...required].slice(0, 1) : [...required].filter((name) => name in model),
    });
    const open = schema.additionalProperties ?? Object.values(schema.patternProperties ?? {})[0];
    if (open !== false && open !== undefined)
      return fc
        .tuple(
          named,
          fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), this.of(open === true ? {} : open, wild)),
        )
        .map(([a, b]) => ({ ...b, ...a }));
    if (!wild) return named;
    return fc
      .tuple(named, fc.option(fc.tuple(fc.string(), nasty), { freq: 10 }))
      .map(([record, extra]) => (extra === null ? record : { ...record, [extra[0]]: extra[1] }));
  }
}
