import type { Transport } from '#transport';
import { within } from '../within.js';

export interface GroupName {
  topic: string;
  group: string;
}

/** Brokers are asked at most this often, however many scrape. */
const FRESH_MS = 5_000;
/** A scrape doesn't wait for a broker that is away. */
const PATIENCE_MS = 2_000;

/** How far each group is behind, all partitions together. */
export class GroupLags {
  private reading: Promise<ReadonlyMap<GroupName, number>> | undefined;
  private readAt = -Infinity;

  constructor(
    private readonly transport: Pick<Transport, 'lag'>,
    private readonly groups: readonly GroupName[],
    private readonly freshMs = FRESH_MS,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Records that a group has still to finish; a group that can't be asked is left out. */
  read(): Promise<ReadonlyMap<GroupName, number>> {
    const now = performance.now();
    if (this.reading === undefined || now - this.readAt >= this.freshMs) {
      this.readAt = now;
      this.reading = this.ask();
    }
    return this.reading;
  }

  private async ask(): Promise<ReadonlyMap<GroupName, number>> {
    const lags = await Promise.all(
      this.groups.map(async (name): Promise<[GroupName, number] | undefined> => {
        try {
          const partitions = await within(this.patienceMs, this.transport.lag(name.topic, name.group));
          return [name, partitions.reduce((sum, { end, committed }) => sum + end - committed, 0)];
        } catch {
          return undefined;
        }
      }),
    );
    return new Map(lags.filter((lag) => lag !== undefined));
  }
}
