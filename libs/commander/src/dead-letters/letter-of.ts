import {
  type CloudEvent,
  type DeadLetter,
  DEFAULT_TENANT,
  EVENT_NAMES,
  type EventContext,
  eventType,
  RECORD_VERSION,
} from '#contracts';
import type { BuriedRecord } from '#transport';

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const dataOf = (event: CloudEvent): Record<string, unknown> =>
  typeof event.data === 'object' && event.data !== null ? (event.data as Record<string, unknown>) : {};

/** The intent that waits for what the record holds: the one it asks for, or the one whose end it tells. */
const intentOf = (event: CloudEvent, { typePrefix }: EventContext): string | undefined => {
  if (event.type === eventType(typePrefix, EVENT_NAMES.toolCall)) return event.id;
  if (event.type !== eventType(typePrefix, EVENT_NAMES.toolResult)) return undefined;
  // a payload that is kept elsewhere is perhaps what is missing
  return textOf(dataOf(event).intent_id) ?? (/^(.+)\.result$/.exec(event.id)?.[1] || undefined);
};

/** What can be told of a record that nobody could process. */
export const letterOf = (
  { id, record, facts, event }: BuriedRecord,
  context: EventContext,
): Omit<DeadLetter, 'at'> => {
  const letter: Omit<DeadLetter, 'at'> = {
    v: RECORD_VERSION,
    id,
    tenant: DEFAULT_TENANT,
    reason: facts.reason,
    error: facts.error,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    deliveries: facts.deliveries,
    attempts: facts.attempts,
    key: record.key,
    headers: record.headers,
    ours: false,
  };
  if (event === undefined) return letter;
  const session_id = textOf(dataOf(event).session_id) ?? textOf(event.subject);
  const intent_id = intentOf(event, context);
  return {
    ...letter,
    tenant: textOf(event.tenant) ?? DEFAULT_TENANT,
    event_id: event.id,
    ...(session_id === undefined ? {} : { session_id }),
    ...(intent_id === undefined ? {} : { intent_id }),
    ours: event.deploymentid === context.deployment,
  };
};
