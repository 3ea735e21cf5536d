import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { createRequire } from 'node:module';
import { DATA_SCHEMAS, dataSchema, type EventName } from '#contracts';
import { asyncApiDocument } from './document.js';
import { ALL_EVENTS, eventSchemaDocument, schemaPath } from './event-schema.js';

interface Ref {
  $ref: string;
}
interface Document {
  channels: Record<string, { address: string; messages: Record<string, Ref> }>;
  operations: Record<string, { action: string; channel: Ref; messages: Ref[]; bindings?: unknown }>;
  components: {
    messages: Record<string, { name: string; payload: object }>;
    schemas: Record<string, object>;
  };
}

const document = asyncApiDocument({
  topics: { intent: 'our.a', observation: 'our.b', deadLetter: 'our.dead' },
  groups: { commander: 'deciders', dispatcher: 'doers' },
  typePrefix: 'org.example',
}) as Document;

/** Everything that a `$ref` names, wherever it stands. */
const refsIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const { $ref } = value as { $ref?: unknown };
  return [...(typeof $ref === 'string' ? [$ref] : []), ...Object.values(value).flatMap(refsIn)];
};
const resolved = (ref: string): unknown =>
  ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);

describe('the AsyncAPI document', () => {
  it('is one, by the schema of AsyncAPI 3.0', () => {
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as object;
    // it brings the schema of schemas with it
    const ajv = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false });
    const validate = ajv.compile(schema);
    expect(validate(document) ? [] : validate.errors).toEqual([]);
  });

  it('refers to nothing that is missing', () => {
    const refs = refsIn(document);
    expect(refs.length).toBeGreaterThan(0);
    expect(refs.filter((ref) => resolved(ref) === undefined)).toEqual([]);
  });

  it('holds nothing that is not referred to', () => {
    const refs = new Set(refsIn(document));
    const there = Object.entries(document.components).flatMap(([kind, all]) =>
      Object.keys(all).map((id) => `#/components/${kind}/${id}`),
    );
    expect(there.filter((ref) => !refs.has(ref))).toEqual([]);
  });

  it('names the topics and groups that are configured', () => {
    const { channels, operations } = document;
    expect(Object.values(channels).map(({ address }) => address)).toEqual(['our.a', 'our.b', 'our.dead']);
    expect(operations).toMatchObject({
      receiveIntents: { action: 'receive', bindings: { kafka: { groupId: { const: 'doers' } } } },
      receiveObservations: { action: 'receive', bindings: { kafka: { groupId: { const: 'deciders' } } } },
    });
  });

  it.each(Object.keys(DATA_SCHEMAS) as EventName[])('has %s, in both modes, in its topic', (name) => {
    const { channels, components } = document;
    const channel = name.startsWith('intent.') ? channels.intent : channels.observation;
    for (const id of [name, `${name}.binary`]) {
      expect(channel?.messages).toHaveProperty([id], { $ref: `#/components/messages/${id}` });
      expect(components.messages[id]?.name).toBe(`org.example.${name}`);
      expect(refsIn(components.messages[id])).toContain(`#/components/schemas/${name}`);
    }
  });

  it('has the dead letters, which are no events of a session', () => {
    expect(document.channels.deadLetter?.messages).toEqual({
      dead_letter: { $ref: '#/components/messages/dead_letter' },
    });
    expect(document.components.messages.dead_letter?.name).toBe('org.example.dead_letter');
  });
});

describe("the schema of an event's data", () => {
  it.each(ALL_EVENTS)('%s is the one that events are checked with, under its dataschema', (name) => {
    const { $id, ...schema } = eventSchemaDocument(name) as { $id: string };
    expect($id).toBe(dataSchema(name));
    expect(schema).toMatchObject(JSON.parse(JSON.stringify(DATA_SCHEMAS[name])) as object);
    expect($id.replace('urn:dormouse:schema:', '/schemas/')).toBe(schemaPath(name));
    // nothing in it leads elsewhere
    expect(refsIn(schema)).toEqual([]);
    new Ajv({ strict: false, validateFormats: false }).compile(eventSchemaDocument(name) ?? false);
  });

  it('is none for what is no event', () => {
    expect(eventSchemaDocument('toString')).toBeUndefined();
  });
});
