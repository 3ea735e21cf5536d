import { isUtf8 } from 'node:buffer';
import {
  type CloudEvent,
  type DeadLetterAttributes,
  DormouseError,
  type ErrorCode,
  type EventAttributes,
  type EventContext,
  type Json,
  readTraceparent,
} from '#contracts';
import { STRUCTURED_CONTENT_TYPE } from './event-codec.js';
import type { LogRecord, OutboundRecord } from './port.js';

/** What follows the type prefix in a dead letter's type. */
export const DEAD_LETTER_NAME = 'dead_letter';

export interface DeadLetterFacts {
  /** a word to count and to filter by, such as `invalid_event` */
  reason: string;
  /** a sentence: what was expected, what came */
  error: string;
  /** how often the record was handed over */
  deliveries: number;
  /** how often what it asks for was tried */
  attempts: number;
}

/** A record that was made a dead letter. */
export interface BuriedRecord {
  /** the dead letter's */
  id: string;
  record: LogRecord;
  facts: DeadLetterFacts;
  /** what the record holds, if that is an event */
  event?: CloudEvent;
}

/** Made of the record's place: the same record gives the same dead letter. */
export const deadLetterId = ({ topic, partition, offset }: LogRecord): string =>
  `${topic}.${String(partition)}.${String(offset)}.dead`;

/**
 * Thrown by a handler: this record can never be processed, it is to be put among the dead letters and finished.
 * Everything else that a handler throws is tried again for ever.
 */
export class DeadLetterError extends DormouseError {
  readonly deadLetter = true;
  /** @param code also the dead letter's `reason` */
  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Json; cause?: unknown; attempts?: number } = {},
  ) {
    super(code, message, options);
    this.attempts = options.attempts ?? 0;
  }
  readonly attempts: number;

  static override is(value: unknown): value is DeadLetterError {
    return DormouseError.is(value) && (value as { deadLetter?: unknown }).deadLetter === true;
  }
}

/**
 * Waits for what a record's handler needs; an error with one of `codes` means that trying again won't bring it, so that
 * the record becomes a dead letter.
 */
export const orDeadLetter = async <T>(needed: Promise<T>, codes: readonly ErrorCode[]): Promise<T> => {
  try {
    return await needed;
  } catch (error) {
    if (DormouseError.is(error) && codes.includes(error.code))
      throw new DeadLetterError(error.code, error.message, { cause: error });
    throw error;
  }
};

/** The record's value as it stands, when it is JSON text; a number or a doubled name in it stays as it was written. */
const jsonText = (value: Buffer): string | null => {
  if (!isUtf8(value)) return null;
  const text = value.toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
};

/** The place in a trace of what the record holds: a dead letter hangs below the same parent. */
const traceOf = (event: CloudEvent | undefined): Pick<CloudEvent, 'traceparent' | 'tracestate'> => {
  if (readTraceparent(event?.traceparent) === undefined) return {};
  const { traceparent, tracestate } = event ?? {};
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(typeof tracestate === 'string' ? { tracestate } : {}),
  };
};

/**
 * The dead letter of a record: an event whose `data` is the record's value untouched (`data_base64` when that isn't
 * JSON), with its place, its key and headers, and why it is here as extensions; its id is {@link deadLetterId}.
 *
 * @param event what the record holds, if that is an event
 */
export const deadLetterRecord = (
  topic: string,
  context: EventContext,
  record: LogRecord,
  facts: DeadLetterFacts,
  event?: CloudEvent,
): OutboundRecord => {
  const id = deadLetterId(record);
  const attributes = JSON.stringify({
    specversion: '1.0',
    id,
    source: context.source,
    type: `${context.typePrefix}.${DEAD_LETTER_NAME}`,
    time: new Date(record.timestampMs).toISOString(),
    datacontenttype: 'application/json',
    ...(record.key === null || record.key === '' ? {} : { subject: record.key, partitionkey: record.key }),
    deploymentid: context.deployment,
    ...traceOf(event),
    reason: facts.reason,
    error: facts.error,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    deliveries: facts.deliveries,
    attempts: facts.attempts,
    // what a redrive needs to write the record again; a text, as extensions are no objects
    recordheaders: JSON.stringify(record.headers),
  } satisfies EventAttributes & DeadLetterAttributes);
  const text = record.value === null ? 'null' : jsonText(record.value);
  const payload =
    text === null
      ? `"data_base64":${JSON.stringify(record.value?.toString('base64') ?? '')}`
      : `"data":${text}`;
  const body = text === null ? attributes.replace(',"datacontenttype":"application/json"', '') : attributes;
  return {
    topic,
    key: record.key === null || record.key === '' ? id : record.key,
    value: Buffer.from(`${body.slice(0, -1)},${payload}}`),
    headers: { 'content-type': STRUCTURED_CONTENT_TYPE },
  };
};
