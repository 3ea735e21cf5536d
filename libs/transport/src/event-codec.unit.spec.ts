import { describe, expect, it } from '@jest/globals';
import { CloudEvent as SdkEvent, Kafka } from 'cloudevents';
import fc from 'fast-check';
import { type CloudEvent, EVENT_NAMES, buildEvent } from '#contracts';
import { describeInvalid } from './event-attributes.js';
import { STRUCTURED_CONTENT_TYPE, decodeEvent, encodeEvent } from './event-codec.js';

const event = (extra: Partial<CloudEvent> = {}): CloudEvent => ({
  ...buildEvent(
    { source: '/dispatcher/instance-001', typePrefix: 'com.southwest.ai', deployment: 'dormouse' },
    {
      name: EVENT_NAMES.toolResult,
      id: 'sess-abc.3.0.result',
      sessionId: 'sess-abc',
      tenant: 'default',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      atMs: Date.UTC(2026, 0, 27, 10, 0, 0, 123),
      data: {
        session_id: 'sess-abc',
        intent_id: 'sess-abc.3.0',
        status: 'succeeded',
        result: { name: 'Zürich ✈' },
      },
    },
  ),
  ...extra,
});

const STRUCTURED = { 'content-type': STRUCTURED_CONTENT_TYPE };
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const decoded = (value: Buffer | null, headers: Record<string, string> = STRUCTURED): CloudEvent => {
  const result = decodeEvent({ value, headers });
  if (result.event === undefined) throw new Error(describeInvalid(result.invalid));
  return result.event;
};
const refused = (value: Buffer | null, headers: Record<string, string> = STRUCTURED) =>
  decodeEvent({ value, headers }).invalid;

/** What the SDK makes of a record of kafkajs, once its headers are text. */
const readBySdk = (value: Buffer, headers: Record<string, string>): SdkEvent<unknown> =>
  Kafka.toEvent({
    headers,
    body: value.toString(),
    value: value.toString(),
    key: '',
  } as never) as SdkEvent<unknown>;

describe('encodeEvent', () => {
  it('writes the whole event into the value, under the session id', () => {
    const record = encodeEvent('agent.observation', event());
    expect(record).toMatchObject({
      topic: 'agent.observation',
      key: 'sess-abc',
      headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' },
    });
    expect(JSON.parse(record.value.toString())).toEqual(event());
  });

  it('is read by the SDK, attribute by attribute', () => {
    const record = encodeEvent('t', event());
    const read = readBySdk(record.value, record.headers as Record<string, string>);
    expect(read.validate()).toBe(true);
    const { partitionkey: _key, ...plain } = JSON.parse(JSON.stringify(read)) as CloudEvent;
    const { partitionkey: _ours, ...expected } = event();
    expect(plain).toEqual(expected);
  });

  it('refuses an event without a session: it has no place in the order', () => {
    const { subject: _s, partitionkey: _p, ...rest } = event();
    expect(() => encodeEvent('t', rest as CloudEvent)).toThrow(/neither partitionkey nor subject/);
  });

  it('gives back what went in, whatever the data and the extensions are', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.dictionary(
          fc.stringMatching(/^x[a-z0-9]{1,10}$/),
          fc.oneof(fc.string(), fc.boolean(), fc.integer()),
        ),
        (data, extensions) => {
          // JSON has no negative zero
          const wanted = JSON.parse(JSON.stringify({ ...event(), ...extensions, data })) as CloudEvent;
          expect(decoded(encodeEvent('t', wanted).value)).toEqual(wanted);
        },
      ),
    );
  });
});

describe('decodeEvent', () => {
  it.each([
    ['application/cloudevents+json'],
    ['Application/CloudEvents+JSON;charset=utf-8'],
    ['application/cloudevents; charset="UTF-8"'],
  ])('reads structured mode with content-type %s', (contentType) => {
    expect(decoded(json(event()), { 'content-type': contentType })).toEqual(event());
  });

  it('lets structured mode win over repeated ce_ headers', () => {
    expect(decoded(json(event()), { ...STRUCTURED, ce_specversion: '1.0', ce_id: 'another' }).id).toBe(
      event().id,
    );
  });

  it.each(['application/json', 'application/octet-stream', undefined])(
    "reads a whole event without ce_ headers, as the Python SDK's structured mode writes it (content-type %s)",
    (contentType) => {
      const headers: Record<string, string> =
        contentType === undefined ? {} : { 'content-type': contentType };
      expect(decoded(json(event()), headers)).toEqual(event());
    },
  );

  it.each(['ce_', 'ce-'])('reads binary mode with headers %s…', (prefix) => {
    const { data, datacontenttype, ...attributes } = event();
    const headers = Object.fromEntries(Object.entries(attributes).map(([k, v]) => [prefix + k, String(v)]));
    expect(decoded(json(data), { ...headers, 'content-type': 'application/json' })).toEqual({
      ...attributes,
      datacontenttype,
      data,
    });
  });

  it("reads the SDK's binary mode, the content type that it repeats included", () => {
    const message = Kafka.binary(new SdkEvent(event()));
    const headers = Object.fromEntries(
      Object.entries(message.headers).flatMap(([k, v]) =>
        v === undefined ? [] : [[k.toLowerCase(), String(v)]],
      ),
    );
    const { data, ...attributes } = event();
    expect(decoded(json(message.value), headers)).toMatchObject({ ...attributes, data });
  });

  it('reads an event without data from a record without a value', () => {
    const headers = { ce_specversion: '1.0', ce_id: '1', ce_type: 't', ce_source: '/s' };
    expect(decoded(null, headers)).toEqual({ specversion: '1.0', id: '1', type: 't', source: '/s' });
  });

  it.each([
    ['text/plain', Buffer.from('héllo'), { data: 'héllo' }],
    ['application/vnd.x+json', Buffer.from('{"a":1}'), { data: { a: 1 } }],
    ['image/png', Buffer.from([255, 0, 1]), { data_base64: '/wAB' }],
    ['text/plain', Buffer.from([255, 0, 1]), { data_base64: '/wAB' }],
  ])('takes a payload of %s for what it is', (contentType, value, expected) => {
    const headers = {
      ce_specversion: '1.0',
      ce_id: '1',
      ce_type: 't',
      ce_source: '/s',
      'content-type': contentType,
    };
    const { datacontenttype, data, data_base64 } = decoded(value, headers);
    expect({ datacontenttype, data, data_base64 }).toEqual({ datacontenttype: contentType, ...expected });
  });

  it('unpacks JSON in data_base64, and leaves other bytes there', () => {
    const packed = { specversion: '1.0', id: '1', type: 't', source: '/s', data_base64: 'eyJhIjoxfQ==' };
    expect(decoded(json(packed))).toEqual({
      specversion: '1.0',
      id: '1',
      type: 't',
      source: '/s',
      data: { a: 1 },
    });
    const other = { ...packed, datacontenttype: 'image/png' };
    expect(decoded(json(other))).toEqual(other);
  });

  it('keeps what it does not know, and takes null for absent', () => {
    const odd = { ...event(), nested: { a: [1] }, subject: null, data: null };
    const { subject: _subject, ...rest } = odd;
    expect(decoded(json(odd))).toEqual(rest);
  });

  it('takes the event of a minimal program: id, type and data', () => {
    expect(
      decoded(json({ id: 'evt-123456789', type: 'com.southwest.ai.intent.tool_call', data: {} }), {}),
    ).toEqual({
      specversion: '1.0',
      source: '/unnamed',
      id: 'evt-123456789',
      type: 'com.southwest.ai.intent.tool_call',
      data: {},
    });
  });

  it.each([
    ['specversion', '0.3', '"1.0"', '"0.3"'],
    ['id', undefined, 'a text that is not empty', 'nothing'],
    ['id', '', 'a text that is not empty', '""'],
    ['id', 7, 'a text that is not empty', '7'],
    ['type', undefined, 'a text that is not empty', 'nothing'],
    ['source', '', 'a URI reference', '""'],
    ['time', 'yesterday', 'an RFC 3339 time such as "2026-01-27T10:00:00Z"', '"yesterday"'],
    ['time', 1_769_508_000, 'an RFC 3339 time such as "2026-01-27T10:00:00Z"', '1769508000'],
    ['subject', 5, 'a text that is not empty', '5'],
    ['tenant', { a: 1 }, 'a text that is not empty', '{"a":1}'],
  ])('names the attribute %s that is %j', (field, value, expected, came) => {
    expect(refused(json({ ...event(), [field]: value }))).toEqual({
      reason: 'attribute',
      field,
      expected,
      came,
    });
  });

  it.each([
    ['no value', null, STRUCTURED, 'not_json', 'value'],
    ['no value and no headers', null, {}, 'not_an_event', 'value'],
    ['broken JSON', Buffer.from('{"id":'), STRUCTURED, 'not_json', 'value'],
    ['bytes that are not UTF-8', Buffer.from([123, 255, 125]), STRUCTURED, 'not_json', 'value'],
    ['a JSON array', json([event()]), STRUCTURED, 'not_json', 'value'],
    ['other JSON', json({ hello: 'world' }), {}, 'not_an_event', 'value'],
    ['plain text', Buffer.from('hello'), {}, 'not_json', 'value'],
    ['a batch', json([]), { 'content-type': 'application/cloudevents-batch+json' }, 'format', 'content-type'],
    ['Avro', json({}), { 'content-type': 'application/cloudevents+avro' }, 'format', 'content-type'],
    [
      'another charset',
      json(event()),
      { 'content-type': 'application/cloudevents+json; charset=latin1' },
      'format',
      'content-type',
    ],
    ['two payloads', json({ ...event(), data_base64: 'AA==' }), STRUCTURED, 'attribute', 'data_base64'],
    [
      'a payload that is not base64',
      json({ id: '1', type: 't', data_base64: '§' }),
      STRUCTURED,
      'attribute',
      'data_base64',
    ],
    [
      'a binary payload that is not the JSON it says',
      Buffer.from('{'),
      { ce_specversion: '1.0', ce_id: '1', ce_type: 't', 'content-type': 'application/json' },
      'data',
      'value',
    ],
    [
      'binary mode without an id',
      json({}),
      { ce_specversion: '1.0', ce_type: 't', ce_source: '/s' },
      'attribute',
      'id',
    ],
  ])('refuses %s', (_what, value, headers, reason, field) => {
    expect(refused(value, headers as Record<string, string>)).toMatchObject({ reason, field });
  });

  it('never throws, whatever the bytes and headers are', () => {
    const headerName = fc.oneof(
      fc.constantFrom('content-type', 'ce_specversion', 'ce_id', 'ce___proto__', 'ce_data'),
      fc.string(),
    );
    const value = fc.oneof(
      fc.constant(null),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record(
          {
            specversion: fc.jsonValue(),
            id: fc.jsonValue(),
            type: fc.jsonValue(),
            data_base64: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map(json),
    );
    fc.assert(
      fc.property(
        value,
        fc.dictionary(headerName, fc.oneof(fc.constantFrom(STRUCTURED_CONTENT_TYPE, '1.0'), fc.string())),
        (v, headers) => {
          const { event: read, invalid } = decodeEvent({ value: v, headers });
          expect((read === undefined) !== (invalid === undefined)).toBe(true);
          expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
