import {
  DATA_SCHEMAS,
  dataSchema,
  DeadLetterAttributes,
  EVENT_SUMMARIES,
  EventAttributes,
  type EventName,
} from '#contracts';
import { DEAD_LETTER_NAME, STRUCTURED_CONTENT_TYPE } from '#transport';
import type { SchemaComponents, SchemaObject } from '../openapi/schema-components.js';
import { schemaPath } from './event-schema.js';

/** A message object of the document. */
export type Message = Record<string, unknown>;

/** https://github.com/asyncapi/bindings/blob/master/kafka/README.md */
export const KAFKA_BINDING = '0.5.0';
const STRUCTURED = STRUCTURED_CONTENT_TYPE.split(';', 1)[0] ?? STRUCTURED_CONTENT_TYPE;

const keyed = (description: string): object => ({
  kafka: { key: { type: 'string', description }, bindingVersion: KAFKA_BINDING },
});
const KEYED = keyed('the session id: the records of a session keep their order');

const dataOf = (components: SchemaComponents, name: EventName): SchemaObject =>
  components.use({ ...DATA_SCHEMAS[name], title: name });

const described = (name: EventName): string =>
  `${EVENT_SUMMARIES[name]} Its \`dataschema\` is \`${dataSchema(name)}\`, to be had at \`${schemaPath(name)}\`.`;

/** An event as we write it: all of it in the record's value. */
export const structuredMessage = (
  components: SchemaComponents,
  typePrefix: string,
  name: EventName,
): Message => ({
  name: `${typePrefix}.${name}`,
  title: name,
  summary: described(name),
  contentType: STRUCTURED,
  headers: {
    type: 'object',
    properties: { 'content-type': { type: 'string', default: STRUCTURED_CONTENT_TYPE } },
  },
  payload: {
    allOf: [
      components.use(EventAttributes),
      {
        type: 'object',
        properties: { type: { const: `${typePrefix}.${name}` }, data: dataOf(components, name) },
        anyOf: [{ required: ['data'] }, { required: ['dataref'] }],
      },
    ],
  },
  bindings: KEYED,
});

/** The payload's own type is a header without prefix. */
const PLAIN_HEADERS: Readonly<Record<string, string>> = { datacontenttype: 'content-type' };

/** The same event as others may write it: attributes in headers, the payload alone in the value. */
export const binaryMessage = (components: SchemaComponents, typePrefix: string, name: EventName): Message => {
  const header = (attribute: string): string => PLAIN_HEADERS[attribute] ?? `ce_${attribute}`;
  const { properties, required } = EventAttributes;
  return {
    name: `${typePrefix}.${name}`,
    title: `${name}, binary`,
    summary: `${described(name)} Binary mode: accepted, never written.`,
    contentType: 'application/json',
    headers: {
      type: 'object',
      properties: {
        ...Object.fromEntries(
          Object.entries(properties).map(([attribute, schema]) => [
            header(attribute),
            components.use(schema),
          ]),
        ),
        [header('type')]: { const: `${typePrefix}.${name}` },
      },
      required: required.map(header),
    },
    payload: dataOf(components, name),
    bindings: KEYED,
  };
};

/** A record that nobody could process. */
export const deadLetterMessage = (components: SchemaComponents, typePrefix: string): Message => ({
  name: `${typePrefix}.${DEAD_LETTER_NAME}`,
  title: DEAD_LETTER_NAME,
  summary:
    'A record that nobody could process: its value untouched as `data`, or as `data_base64` where it is no JSON.',
  contentType: STRUCTURED,
  payload: {
    allOf: [
      components.use(EventAttributes),
      components.use(DeadLetterAttributes),
      {
        type: 'object',
        properties: {
          type: { const: `${typePrefix}.${DEAD_LETTER_NAME}` },
          data: true,
          data_base64: { type: 'string' },
        },
        oneOf: [{ required: ['data'] }, { required: ['data_base64'] }],
      },
    ],
  },
  bindings: keyed("the record's; of one that had none: the event's `id`"),
});
