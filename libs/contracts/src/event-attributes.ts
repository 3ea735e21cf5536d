import { type Static, Type } from '@sinclair/typebox';

/**
 * What an event says beside its payload: the attributes of CloudEvents, and the extensions of ours. Unknown ones are
 * kept and ignored.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
 */
export const EventAttributes = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ minLength: 1, description: 'together with `source` what a foreign event is known by' }),
    source: Type.String({ minLength: 1, description: 'who wrote it, such as `/commander/instance-001`' }),
    type: Type.String({ minLength: 1 }),
    time: Type.Optional(Type.String({ format: 'date-time', description: 'RFC 3339, UTC, milliseconds' })),
    datacontenttype: Type.Optional(Type.String({ minLength: 1 })),
    dataschema: Type.Optional(
      Type.String({ minLength: 1, description: 'the version of the payload; an identifier, ends in `/v1`' }),
    ),
    subject: Type.Optional(Type.String({ minLength: 1, description: 'the session id' })),
    partitionkey: Type.Optional(
      Type.String({ minLength: 1, description: "the session id: the record's key" }),
    ),
    traceparent: Type.Optional(Type.String({ minLength: 1, description: 'W3C trace context' })),
    tracestate: Type.Optional(Type.String({ minLength: 1, description: 'W3C trace context' })),
    deploymentid: Type.Optional(
      Type.String({ minLength: 1, description: 'whose event it is; one without ours is foreign' }),
    ),
    tenant: Type.Optional(Type.String({ minLength: 1, description: 'default: `default`' })),
    dataref: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'where the payload lies when it is too large for a record: `blob:{<session_id>}:<sha256>`; then there is no `data`',
      }),
    ),
  },
  { title: 'EventAttributes' },
);
export type EventAttributes = Static<typeof EventAttributes>;

/** What a dead letter says of the record that it holds, as extensions. */
export const DeadLetterAttributes = Type.Object(
  {
    reason: Type.String({ description: 'why it is here: a word, such as `invalid_event`' }),
    error: Type.String({ description: 'the same: what was expected, what came' }),
    topic: Type.String({ description: 'where the record was' }),
    partition: Type.Integer({ minimum: 0 }),
    offset: Type.Integer({ minimum: 0 }),
    deliveries: Type.Integer({ description: 'how often the record was handed to a process' }),
    attempts: Type.Integer({ description: 'how often what it asks for ended by itself' }),
    recordheaders: Type.String({ description: "the record's headers: an object, as JSON text" }),
  },
  { title: 'DeadLetterAttributes' },
);
export type DeadLetterAttributes = Static<typeof DeadLetterAttributes>;
