import { EVENT_NAMES, eventType } from '#contracts';
import { bootId } from '#idempotency';
import type { SessionStore } from '#state';
import { decodeEvent, readTopic, type Transport } from '#transport';
import type { Settings } from './config/index.js';

/** A group that nobody else has, for reading a topic without being one of its consumers. */
export const readerGroup = ({ log }: Settings): string => `${log.groups.commander}.reader.${bootId}`;

/** Whether a session of ours has ever begun, as far as the log remembers. */
const hasSessions = async (transport: Transport, settings: Settings): Promise<boolean> => {
  const { typePrefix, deployment } = settings.protocol;
  const begun = eventType(typePrefix, EVENT_NAMES.sessionCreated);
  let found = false;
  await readTopic(transport, settings.log.topics.observation, readerGroup(settings), (records) => {
    found = records.some((record) => {
      const { event } = decodeEvent(record);
      return event?.deploymentid === deployment && event.type === begun;
    });
    return !found;
  });
  return found;
};

/**
 * Marks a store that is new. One without a mark is new only when the log has no session of ours; else it was emptied,
 * and stays without a mark until its sessions are rebuilt, through any number of starts.
 */
export const recogniseStore = async (
  { sessions, transport }: { sessions: SessionStore; transport: Transport },
  settings: Settings,
): Promise<void> => {
  if (!(await sessions.isEmptied())) return;
  // another process that starts now marks the store before it takes its first session
  if (!(await hasSessions(transport, settings))) await sessions.mark();
};
