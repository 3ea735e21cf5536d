import { bootId } from '#idempotency';
import type { SessionStore } from '#state';
import { decodeEvent, readTopic, type Transport } from '#transport';
import type { Settings } from './config/index.js';

/** A group that nobody else has, for reading a topic without being one of its consumers. */
export const readerGroup = ({ log }: Settings): string => `${log.groups.commander}.reader.${bootId}`;

/** Whether anything of ours has ever happened, as far as the log remembers. */
const isInUse = async (transport: Transport, settings: Settings): Promise<boolean> => {
  const { deployment } = settings.protocol;
  let found = false;
  await readTopic(transport, settings.log.topics.observation, readerGroup(settings), (records) => {
    found = records.some((record) => decodeEvent(record).event?.deploymentid === deployment);
    return !found;
  });
  return found;
};

/**
 * Marks a store that is new. One without a mark is new only when the log has no observation of ours; else it was
 * emptied, and stays without a mark until its sessions are rebuilt, through any number of starts.
 */
export const recogniseStore = async (
  { sessions, transport }: { sessions: SessionStore; transport: Transport },
  settings: Settings,
): Promise<void> => {
  if (!(await sessions.isEmptied())) return;
  // another process that starts now marks the store before it takes its first session
  if (!(await isInUse(transport, settings))) await sessions.mark();
};
