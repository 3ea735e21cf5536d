import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { LogRecord } from '../../port.js';

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

const headersOf = (headers: IHeaders | undefined): Readonly<Record<string, string>> => {
  if (headers === undefined) return NO_HEADERS;
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    const value = headers[name];
    // of a header that was given several times, the last one
    const last = Array.isArray(value) ? value[value.length - 1] : value;
    found ??= {};
    found[name.toLowerCase()] = last?.toString() ?? '';
  }
  return found ?? NO_HEADERS;
};

export const logRecord = (topic: string, partition: number, message: KafkaMessage): LogRecord => ({
  topic,
  partition,
  offset: Number(message.offset),
  key: message.key === null ? null : message.key.toString(),
  value: message.value,
  headers: headersOf(message.headers),
  timestampMs: Number(message.timestamp),
});
