import { DormouseError } from '#contracts';
import type { LogRecord, Subscription, Transport } from './port.js';

/** With records left to read, and none coming for so long, something is wrong. */
const STALLED_MS = 60_000;

interface Reading {
  next: number;
  end: number;
}

/**
 * Reads a topic from its first record to the ends that it has now; what is appended meanwhile is left out.
 *
 * @param group a name that no group has: nothing is committed under it
 * @param each called with the records of one partition, in order; false ends the reading
 *
 * Errors: `unavailable` (retryable: nothing came for a minute, a subscription that ended), `closed`
 */
export const readTopic = async (
  transport: Transport,
  topic: string,
  group: string,
  each: (records: readonly LogRecord[]) => boolean,
): Promise<void> => {
  const readings = new Map<number, Reading>();
  for (const { partition, committed, end } of await transport.lag(topic, group))
    if (committed < end) readings.set(partition, { next: committed, end });
  if (readings.size === 0) return;

  let subscription: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let ended = false;
      const end = (): void => {
        ended = true;
        resolve();
      };
      const alive = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => reject(stalled(topic, readings)), STALLED_MS);
      };
      const reached = (partition: number, next: number): void => {
        const reading = readings.get(partition);
        if (reading === undefined) return;
        reading.next = Math.max(reading.next, next);
        if (reading.next >= reading.end) readings.delete(partition);
        if (readings.size === 0) end();
      };
      alive();
      transport
        .subscribe(topic, group, {
          assigned: (positions) => {
            for (const { partition, offset } of positions) reached(partition, offset);
          },
          lost: () => undefined,
          records: (partition, records) => {
            if (ended) return;
            alive();
            const reading = readings.get(partition);
            const last = records.at(-1);
            if (reading === undefined || last === undefined) return;
            const wanted = records.filter(({ offset }) => offset >= reading.next && offset < reading.end);
            try {
              if (wanted.length > 0 && !each(wanted)) end();
            } catch (error) {
              ended = true;
              reject(error instanceof Error ? error : new Error(String(error)));
            }
            reached(partition, last.offset + 1);
          },
          failed: reject,
        })
        .then((made) => (subscription = made), reject);
    });
  } finally {
    clearTimeout(timer);
    await subscription?.close();
  }
};

const stalled = (topic: string, readings: ReadonlyMap<number, Reading>): DormouseError => {
  const left = Array.from(
    readings,
    ([partition, { next, end }]) => `partition ${partition}: ${next} of ${end}`,
  );
  return new DormouseError(
    'unavailable',
    `${topic} has records that don't come (${left.join(', ')}). Is the broker well? Control records of a transactional writer at a partition's end can't be read.`,
    { retryable: true },
  );
};
