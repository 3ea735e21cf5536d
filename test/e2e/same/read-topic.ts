import { eventually, freshName } from '#testing';
import type { Feed, LogRecord, Transport } from '#transport';

/** Everything that a topic holds, each partition's records in their order. */
export const readTopic = async (transport: Transport, topic: string): Promise<LogRecord[]> => {
  const group = freshName('reader');
  const records: LogRecord[] = [];
  const next = new Map<number, number>();
  const feed: Feed = {
    assigned: () => undefined,
    lost: () => undefined,
    records: (partition, more) => {
      for (const record of more) {
        // a partition that comes again is read again
        if (record.offset < (next.get(partition) ?? 0)) continue;
        records.push(record);
        next.set(partition, record.offset + 1);
      }
    },
    failed: (error) => {
      throw error;
    },
  };
  const subscription = await transport.subscribe(topic, group, feed);
  await eventually(
    async () =>
      (await transport.lag(topic, group)).every(
        ({ partition, end, committed }) => end === committed || (next.get(partition) ?? 0) >= end,
      ),
    { timeoutMs: 60_000, everyMs: 50, what: `the end of ${topic}` },
  );
  await subscription.close();
  return records;
};
