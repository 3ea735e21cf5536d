import type { Message } from 'kafkajs';
import { crc32c } from './crc32c.js';

/** What kafkajs hands to the encoder of a produce request, as far as we use it. */
export interface ProduceParameters {
  acks: number;
  /** ms that the broker may take */
  timeout: number;
  /** kafkajs's 64-bit integer, or what makes one */
  producerId: { value: bigint } | number | string;
  producerEpoch: number;
  topicData: readonly {
    topic: string;
    partitions: readonly { partition: number; firstSequence: number; messages: readonly Message[] }[];
  }[];
}

const NO_HEADERS = Buffer.from([0]);
/** From a batch's first byte to the one after its length, and to where its checksum begins to count. */
const BATCH_START_BYTES = 12;
const CHECKED_FROM = 21;
const BATCH_HEAD_BYTES = 61;
const MAGIC = 2;

/** Of a number whose sign is in its last bit ("zigzag"), at least 0. */
const varintBytes = (zigzag: number): number =>
  zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;

const writeVarint = (out: Buffer, at: number, zigzag: number): number => {
  let rest = zigzag;
  let next = at;
  while (rest >= 0x80) {
    out[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[next++] = rest;
  return next;
};

const NULL_LENGTH = 1;
const lengthOf = (bytes: Buffer | null): number => (bytes === null ? NULL_LENGTH : bytes.length * 2);

const writeBytes = (out: Buffer, at: number, bytes: Buffer | null): number => {
  const start = writeVarint(out, at, lengthOf(bytes));
  if (bytes === null) return start;
  out.set(bytes, start);
  return start + bytes.length;
};

const encodeHeaders = (headers: NonNullable<Message['headers']>): Buffer => {
  const parts: (Buffer | null)[] = [];
  for (const name of Object.keys(headers))
    for (const value of [headers[name]].flat()) {
      parts.push(Buffer.from(name), value === undefined ? null : Buffer.from(value as string));
    }
  const bytes = parts.reduce((sum, part) => sum + varintBytes(lengthOf(part)) + (part?.length ?? 0), 0);
  const out = Buffer.allocUnsafe(varintBytes(parts.length) + bytes);
  let at = writeVarint(out, 0, parts.length);
  for (const part of parts) at = writeBytes(out, at, part);
  return out;
};

/** Nearly all records have the same headers, in one object. */
const encodedHeaders = new WeakMap<object, Buffer>();

const headersOf = ({ headers }: Message): Buffer => {
  if (headers === undefined) return NO_HEADERS;
  let encoded = encodedHeaders.get(headers);
  if (encoded === undefined) encodedHeaders.set(headers, (encoded = encodeHeaders(headers)));
  return encoded;
};

const asBytes = (value: Message['key']): Buffer | null =>
  value === undefined || value === null ? null : typeof value === 'string' ? Buffer.from(value) : value;

/** A record, with its size after the length that stands before it. */
interface SizedRecord {
  key: Buffer | null;
  value: Buffer | null;
  headers: Buffer;
  bytes: number;
}

const sized = (message: Message, place: number): SizedRecord => {
  const key = asBytes(message.key);
  const value = asBytes(message.value);
  const headers = headersOf(message);
  const bytes =
    // attributes and the time since the batch's
    2 +
    varintBytes(place * 2) +
    varintBytes(lengthOf(key)) +
    (key?.length ?? 0) +
    varintBytes(lengthOf(value)) +
    (value?.length ?? 0) +
    headers.length;
  return { key, value, headers, bytes };
};

const producerIdOf = (id: ProduceParameters['producerId']): bigint =>
  typeof id === 'object' ? id.value : BigInt(id);

/**
 * The body of a produce request, versions 3 to 7, of records without a time of their own, not compressed, outside of
 * transactions. Sizes first, then all of it into one buffer.
 *
 * https://kafka.apache.org/protocol#The_Messages_Produce, https://kafka.apache.org/documentation/#recordbatch
 *
 * @param now the time of the records, ms since the epoch
 */
export const produceBody = (
  { acks, timeout, producerId, producerEpoch, topicData }: ProduceParameters,
  now: number,
): Buffer => {
  let bytes = 2 + 2 + 4 + 4;
  const topics = topicData.map(({ topic, partitions }) => {
    const name = Buffer.from(topic);
    bytes += 2 + name.length + 4;
    const batches = partitions.map(({ partition, firstSequence, messages }) => {
      const records = messages.map(sized);
      let size = BATCH_HEAD_BYTES;
      for (const record of records) size += varintBytes(record.bytes * 2) + record.bytes;
      bytes += 4 + 4 + size;
      return { partition, firstSequence, records, size };
    });
    return { name, batches };
  });

  const out = Buffer.allocUnsafe(bytes);
  const id = producerIdOf(producerId);
  const time = BigInt(now);
  // no transaction
  let at = out.writeInt16BE(-1, 0);
  at = out.writeInt16BE(acks, at);
  at = out.writeInt32BE(timeout, at);
  at = out.writeInt32BE(topics.length, at);
  for (const { name, batches } of topics) {
    at = out.writeInt16BE(name.length, at);
    out.set(name, at);
    at = out.writeInt32BE(batches.length, at + name.length);
    for (const { partition, firstSequence, records, size } of batches) {
      at = out.writeInt32BE(partition, at);
      at = out.writeInt32BE(size, at);
      const start = at;
      at = out.writeBigInt64BE(0n, at);
      at = out.writeInt32BE(size - BATCH_START_BYTES, at);
      at = out.writeInt32BE(0, at);
      at = out.writeInt8(MAGIC, at);
      // the checksum comes last
      at = out.writeInt16BE(0, at + 4);
      at = out.writeInt32BE(records.length - 1, at);
      at = out.writeBigInt64BE(time, at);
      at = out.writeBigInt64BE(time, at);
      at = out.writeBigInt64BE(id, at);
      at = out.writeInt16BE(producerEpoch, at);
      at = out.writeInt32BE(firstSequence, at);
      at = out.writeInt32BE(records.length, at);
      for (let place = 0; place < records.length; place++)
        at = writeRecord(out, at, records[place] as SizedRecord, place);
      out.writeUInt32BE(crc32c(out.subarray(start, at), CHECKED_FROM), start + CHECKED_FROM - 4);
    }
  }
  return out;
};

const writeRecord = (
  out: Buffer,
  begin: number,
  { key, value, headers, bytes }: SizedRecord,
  place: number,
): number => {
  let at = writeVarint(out, begin, bytes * 2);
  out[at++] = 0;
  out[at++] = 0;
  at = writeVarint(out, at, place * 2);
  at = writeBytes(out, at, key);
  at = writeBytes(out, at, value);
  out.set(headers, at);
  return at + headers.length;
};
