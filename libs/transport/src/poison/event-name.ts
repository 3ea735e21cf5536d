import { createHash } from 'node:crypto';
import { decodeEvent } from '../event-codec.js';
import type { LogRecord } from '../port.js';

/**
 * Names the event in a record, the same in each copy of it: a step that is repeated, and the sweeper, publish an event
 * again. What is no event is named by its place.
 */
export const eventNameOf = (record: LogRecord, deployment: string): string => {
  const { event } = decodeEvent(record);
  if (event === undefined) return `at-${record.offset}`;
  const id = event.deploymentid === deployment ? event.id : `${event.source} ${event.id}`;
  return createHash('sha256').update(id).digest('base64url').slice(0, 22);
};
