import { isUtf8 } from 'node:buffer';
import { type CloudEvent, DormouseError } from '#contracts';
import { type DecodedEvent, checkAttributes, invalidEvent } from './event-attributes.js';
import type { LogRecord, OutboundRecord } from './port.js';

/*
 * CloudEvents on records.
 * Kafka protocol binding: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 * JSON format: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */

/** `content-type` of an event in structured mode. */
export const STRUCTURED_CONTENT_TYPE = 'application/cloudevents+json; charset=UTF-8';

const STRUCTURED_HEADERS = Object.freeze({ 'content-type': STRUCTURED_CONTENT_TYPE });

/** What the codec reads of a record. */
export type EncodedEvent = Pick<LogRecord, 'value' | 'headers' | 'decoded'>;

/**
 * The record's key: the session id, so that the records of a session keep their order.
 *
 * @throws DormouseError `invalid_event`: an event that belongs to no session has no place in the order
 */
const keyOf = (event: CloudEvent): string => {
  const key = event.partitionkey ?? event.subject;
  if (key === undefined || key === '') {
    throw new DormouseError(
      'invalid_event',
      `event ${event.id} has neither partitionkey nor subject: set the session id`,
    );
  }
  return key;
};

/** Its bytes are made when they are asked for: not every log needs them. */
class StructuredEvent implements OutboundRecord {
  readonly key: string;
  readonly text: string;
  readonly headers = STRUCTURED_HEADERS;
  #value: Buffer | undefined;

  constructor(
    readonly topic: string,
    readonly decoded: CloudEvent,
  ) {
    this.key = keyOf(decoded);
    this.text = JSON.stringify(decoded);
  }

  get value(): Buffer {
    this.#value ??= Buffer.from(this.text);
    return this.#value;
  }
}

/** An event in structured mode: all of it in the value, so that a reader in any language needs nothing else. */
export const encodeEvent = (topic: string, event: CloudEvent): OutboundRecord =>
  new StructuredEvent(topic, event);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The media type without its parameters, in lower case; '' when there is none. */
const mediaType = (contentType: unknown): string =>
  typeof contentType === 'string' ? (contentType.split(';', 1)[0] ?? '').trim().toLowerCase() : '';

const isJson = (media: string): boolean => media === '' || /^[^/]+\/(json|[^/]+\+json)$/.test(media);

const charsetOf = (contentType: string): string =>
  /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8';

type Parsed = { value: unknown } | { error: string };

const parseJson = (bytes: Buffer): Parsed => {
  if (!isUtf8(bytes)) return { error: 'bytes that are not UTF-8' };
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : 'text that is not JSON' };
  }
};

/** An object in the JSON format. JSON format 3.1: the payload is in `data`, or, when it isn't text, in `data_base64`. */
const fromObject = (object: Record<string, unknown>): DecodedEvent => {
  const base64 = object['data_base64'];
  if (base64 === undefined || base64 === null) return checkAttributes(object);
  if ('data' in object)
    return invalidEvent('attribute', 'data_base64', 'data or data_base64', 'both of them');
  if (typeof base64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return invalidEvent('attribute', 'data_base64', 'base64 text', typeof base64);
  }
  if (!isJson(mediaType(object['datacontenttype']))) return checkAttributes(object);
  const parsed = parseJson(Buffer.from(base64, 'base64'));
  if ('error' in parsed)
    return invalidEvent('data', 'data_base64', 'JSON, as datacontenttype says', parsed.error);
  Reflect.deleteProperty(object, 'data_base64');
  object['data'] = parsed.value;
  return checkAttributes(object);
};

/** Why a `content-type` that names the CloudEvents format can't be read; null: it can. */
const unreadable = (contentType: string): DecodedEvent | null => {
  const media = mediaType(contentType);
  if (media !== 'application/cloudevents+json' && media !== 'application/cloudevents') {
    return invalidEvent('format', 'content-type', 'application/cloudevents+json', contentType);
  }
  const charset = charsetOf(contentType);
  return ['utf-8', 'utf8', 'us-ascii'].includes(charset)
    ? null
    : invalidEvent('format', 'content-type', 'charset=UTF-8', charset);
};

const structured = (value: Buffer | null): DecodedEvent => {
  if (value === null) return invalidEvent('not_json', 'value', 'a JSON object', 'no value');
  const parsed = parseJson(value);
  if ('error' in parsed) return invalidEvent('not_json', 'value', 'a JSON object', parsed.error);
  if (!isObject(parsed.value)) return invalidEvent('not_json', 'value', 'a JSON object', typeof parsed.value);
  return fromObject(parsed.value);
};

/** Attribute names. Kafka binding 3.2.4: `ce_`; an older SDK wrote `ce-`. `data` and what JavaScript keeps for itself are none. */
const CE_HEADER = /^ce[_-](?!data$|data_base64$|datacontenttype$|__)([a-z0-9_-]+)$/;

const binary = ({ value, headers }: EncodedEvent): DecodedEvent => {
  const attributes: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(headers)) {
    const attribute = CE_HEADER.exec(name)?.[1];
    if (attribute !== undefined) attributes[attribute] = text;
  }
  // Kafka binding 3.2.1: content-type is the payload's own; some SDKs repeat it as a header of its own
  const contentType =
    headers['content-type'] ?? headers['ce_datacontenttype'] ?? headers['ce-datacontenttype'];
  if (contentType !== undefined) attributes['datacontenttype'] = contentType;
  // Kafka binding 3.2.3: an event without data has no value
  if (value === null) return checkAttributes(attributes);
  const media = mediaType(contentType);
  if (isJson(media)) {
    const parsed = parseJson(value);
    if ('error' in parsed) return invalidEvent('data', 'value', 'JSON, as content-type says', parsed.error);
    return checkAttributes({ ...attributes, data: parsed.value });
  }
  if (media.startsWith('text/') && isUtf8(value))
    return checkAttributes({ ...attributes, data: value.toString('utf8') });
  return checkAttributes({ ...attributes, data_base64: value.toString('base64') });
};

const looksLikeEvent = (object: Record<string, unknown>): boolean =>
  'specversion' in object || ('id' in object && 'type' in object);

/**
 * The event in a record, whichever way it was written. Never throws.
 *
 * Kafka binding 3: structured when `content-type` begins with `application/cloudevents`, else binary. Beyond that, a
 * value that is an event in itself is read as structured whatever its headers say: the Python SDK's structured mode
 * writes the payload's `content-type`, and a program without an SDK writes none.
 */
export const decodeEvent = (record: EncodedEvent): DecodedEvent => {
  const { value, headers, decoded } = record;
  if (decoded !== undefined) return checkAttributes({ ...decoded });
  const contentType = headers['content-type'];
  if (contentType === STRUCTURED_CONTENT_TYPE) return structured(value);
  if (contentType !== undefined && /^application\/cloudevents/i.test(contentType)) {
    return unreadable(contentType) ?? structured(value);
  }
  if (headers['ce_specversion'] !== undefined || headers['ce-specversion'] !== undefined)
    return binary(record);
  if (value === null)
    return invalidEvent('not_an_event', 'value', 'a CloudEvent', 'neither a value nor ce_ headers');
  const parsed = parseJson(value);
  if ('error' in parsed) return invalidEvent('not_json', 'value', 'a CloudEvent', parsed.error);
  if (!isObject(parsed.value) || !looksLikeEvent(parsed.value)) {
    return invalidEvent(
      'not_an_event',
      'value',
      'a JSON object with specversion, id, source and type',
      'other JSON',
    );
  }
  return fromObject(parsed.value);
};
