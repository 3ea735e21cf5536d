import type { CloudEvent, EventContext } from '#contracts';
import { letterOf } from '#commander';
import type { DeadLetterStore } from '#state';
import { type BuriedRecord, DEAD_LETTER_NAME, decodeEvent, type LogRecord } from '#transport';

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const headersOf = (text: unknown): Record<string, string> => {
  try {
    return JSON.parse(textOf(text)) as Record<string, string>;
  } catch {
    return {};
  }
};

/** A dead letter of ours is written in one way; what it holds may be anything. */
const jsonOf = (value: Buffer | null): Partial<CloudEvent> | undefined => {
  try {
    const json: unknown = JSON.parse(value?.toString('utf8') ?? '');
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
};

/** The record that a dead letter of ours was made from; undefined when it is none. */
export const buriedIn = (
  letter: LogRecord,
  { typePrefix, deployment }: Pick<EventContext, 'typePrefix' | 'deployment'>,
): BuriedRecord | undefined => {
  const event = jsonOf(letter.value);
  if (event?.type !== `${typePrefix}.${DEAD_LETTER_NAME}` || event.deploymentid !== deployment)
    return undefined;
  const { data, data_base64: base64 } = event;
  const value =
    typeof base64 === 'string'
      ? Buffer.from(base64, 'base64')
      : data === undefined || data === null
        ? null
        : Buffer.from(JSON.stringify(data));
  const record: LogRecord = {
    topic: textOf(event['topic']),
    partition: numberOf(event['partition']),
    offset: numberOf(event['offset']),
    key: event.subject ?? null,
    value,
    headers: headersOf(event['recordheaders']),
    timestampMs: Date.parse(event.time ?? ''),
  };
  const held = value === null ? undefined : decodeEvent(record).event;
  return {
    id: textOf(event.id),
    record,
    facts: {
      reason: textOf(event['reason']),
      error: textOf(event['error']),
      deliveries: numberOf(event['deliveries']),
      attempts: numberOf(event['attempts']),
    },
    ...(held === undefined ? {} : { event: held }),
  };
};

/** Keeps what a dead letter of ours holds where operators find it; tells whether it was one. */
export const restoreLetter = async (
  letters: DeadLetterStore,
  context: EventContext,
  record: LogRecord,
): Promise<boolean> => {
  const buried = buriedIn(record, context);
  if (buried === undefined) return false;
  await letters.put(letterOf(buried, context), buried.record.value);
  return true;
};
