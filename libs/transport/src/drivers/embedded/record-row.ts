import { DormouseError, RECORD_VERSION } from '#contracts';
import type { LogRecord, OutboundRecord } from '../../port.js';

/** version (1), time (8), key length (2), headers' length (4), then key, headers (JSON), value */
const FIXED = 15;

/** The bytes of a record in the log. Nothing in them is shared with the caller. */
export const encodeRecord = ({ key, value, headers }: OutboundRecord, timestampMs: number): Buffer => {
  const keyBytes = Buffer.byteLength(key);
  const head = headers ? headersText(headers) : '';
  const headBytes = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(FIXED + keyBytes + headBytes + value.length);
  bytes[0] = RECORD_VERSION;
  bytes.writeDoubleLE(timestampMs, 1);
  bytes.writeUInt16LE(keyBytes, 9);
  bytes.writeUInt32LE(headBytes, 11);
  bytes.write(key, FIXED);
  bytes.write(head, FIXED + keyBytes);
  bytes.set(value, FIXED + keyBytes + headBytes);
  return bytes;
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

/** The record as a reader gets it that was published a moment ago: `bytes` are its row. */
export const publishedRecord = (
  { topic, key, value, headers, decoded }: OutboundRecord,
  bytes: Buffer,
  partition: number,
  offset: number,
): LogRecord => ({
  topic,
  partition,
  offset,
  key,
  value: bytes.subarray(bytes.length - value.length),
  headers: headers === undefined ? NONE : decodeHeaders(headersText(headers)),
  timestampMs: recordTime(bytes),
  decoded,
});

/** Of headers that can't change: one text for all records that bear them. */
const encoded = new WeakMap<Headers, string>();

const headersText = (headers: Headers): string => {
  const known = encoded.get(headers);
  if (known !== undefined) return known;
  const text = encodeHeaders(headers);
  if (Object.isFrozen(headers)) encoded.set(headers, text);
  return text;
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
