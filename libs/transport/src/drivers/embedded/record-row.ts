import { DormouseError, RECORD_VERSION } from '#contracts';
import type { LogRecord, OutboundRecord } from '../../port.js';

/** version (1), time (8), key length (2), headers' length (4), then key, headers (JSON), value */
const FIXED = 15;

/** Written again with each record, and copied at once. */
const fixedPart = Buffer.alloc(FIXED);

/** The bytes of a record in the log, in parts, to be written before the next record is encoded. */
export const encodeRecord = (record: OutboundRecord, timestampMs: number): (string | Buffer)[] => {
  const { key, text, headers } = record;
  const head = headers === undefined ? '' : encodedHeaders(headers).text;
  fixedPart[0] = RECORD_VERSION;
  fixedPart.writeDoubleLE(timestampMs, 1);
  fixedPart.writeUInt16LE(Buffer.byteLength(key), 9);
  fixedPart.writeUInt32LE(Buffer.byteLength(head), 11);
  return [fixedPart, key, head, text ?? record.value];
};

/** When the log took it. */
export const recordTime = (bytes: Buffer): number => bytes.readDoubleLE(1);

/** The value is a view of `bytes`. @throws DormouseError `newer_version` */
export const decodeRecord = (bytes: Buffer, topic: string, partition: number, offset: number): LogRecord => {
  const version = bytes[0] ?? 0;
  if (version > RECORD_VERSION)
    throw new DormouseError(
      'newer_version',
      `expected a log record of version ${RECORD_VERSION} or earlier, got ${version}: run the release that wrote it`,
    );
  const headAt = FIXED + bytes.readUInt16LE(9);
  const valueAt = headAt + bytes.readUInt32LE(11);
  return {
    topic,
    partition,
    offset,
    key: bytes.toString('utf8', FIXED, headAt),
    value: bytes.subarray(valueAt),
    headers: valueAt === headAt ? NONE : decodeHeaders(bytes.toString('utf8', headAt, valueAt)),
    timestampMs: recordTime(bytes),
  };
};

type Headers = Readonly<Record<string, string>>;
const NONE: Headers = Object.freeze({});

/** The record as a reader gets it that was published a moment ago. Nothing in it is shared with the caller. */
export class PublishedRecord implements LogRecord {
  readonly topic: string;
  readonly key: string;
  readonly headers: Headers;
  readonly decoded: object | undefined;
  readonly valueBytes: number;
  readonly #text: string | undefined;
  #value: Buffer | undefined;

  constructor(
    record: OutboundRecord,
    readonly partition: number,
    readonly offset: number,
    readonly timestampMs: number,
  ) {
    const { topic, key, text, headers, decoded } = record;
    this.topic = topic;
    this.key = key;
    this.headers = headers === undefined ? NONE : encodedHeaders(headers).decoded;
    this.decoded = decoded;
    this.#text = text;
    if (text === undefined) this.#value = Buffer.from(record.value);
    this.valueBytes = this.#value?.length ?? Buffer.byteLength(text ?? '');
  }

  /** Made when it is asked for: who knows what it says seldom needs the bytes. */
  get value(): Buffer {
    this.#value ??= Buffer.from(this.#text ?? '');
    return this.#value;
  }
}

interface EncodedHeaders {
  text: string;
  /** as a reader gets them */
  decoded: Headers;
}

/** Of headers that can't change: one text for all records that bear them. */
const encoded = new WeakMap<Headers, EncodedHeaders>();

const encodedHeaders = (headers: Headers): EncodedHeaders => {
  const known = encoded.get(headers);
  if (known !== undefined) return known;
  const text = encodeHeaders(headers);
  const made = { text, decoded: decodeHeaders(text) };
  if (Object.isFrozen(headers)) encoded.set(headers, made);
  return made;
};

const encodeHeaders = (headers: Headers): string => {
  const lower: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  return JSON.stringify(lower);
};

/** Most records bear the same few headers. */
const decoded = new Map<string, Headers>();
const MOST_DECODED = 500;

const decodeHeaders = (text: string): Headers => {
  let headers = decoded.get(text);
  if (!headers) {
    headers = Object.freeze(JSON.parse(text) as Record<string, string>);
    if (decoded.size >= MOST_DECODED) decoded.clear();
    decoded.set(text, headers);
  }
  return headers;
};
