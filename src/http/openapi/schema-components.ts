/** A JSON Schema as the document holds it. */
export type SchemaObject = { [key: string]: unknown };

/**
 * Puts every schema that has a `title` into the document's components, once, and refers to it from wherever it is used.
 */
export class SchemaComponents {
  readonly schemas: Record<string, SchemaObject> = {};

  /** The schema, or the reference to it. */
  use(schema: object): SchemaObject {
    const { title } = schema as { title?: unknown };
    if (typeof title !== 'string') return this.inner(schema);
    this.schemas[title] ??= this.inner(schema);
    return { $ref: `#/components/schemas/${title}` };
  }

  private inner(schema: object): SchemaObject {
    return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, this.value(value)]));
  }

  private value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((entry) => this.value(entry));
    if (typeof value === 'object' && value !== null) return this.use(value);
    return value;
  }
}
