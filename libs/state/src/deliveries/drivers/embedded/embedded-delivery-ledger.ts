import { DormouseError } from '#contracts';
import { type Engine, keyPart, type Table, type Transaction, under } from '#engine';
import {
  type DeliveryCount,
  DeliveryLedger,
  type Instance,
  type PartitionPlace,
  type Taken,
} from '../../port.js';

interface Tables {
  /** by partition: the boot id of the process that has it */
  owners: Table<string>;
  /** by partition and event: {@link KeptCount} */
  counts: Table<string>;
  /** the boot id of the process that stopped in order last */
  left: Table<string>;
}

/** ms since the epoch, when it was convicted */
type KeptCount = DeliveryCount & { convictedAt?: number };

const LAST = 'last';

/** Deliveries in the embedded engine. One process has it at a time: a boot id that isn't ours, and didn't leave, died. */
export class EmbeddedDeliveryLedger extends DeliveryLedger {
  private readonly tables: Tables;
  private closed = false;

  /** The engine stays its owner's to close. @param retentionMs how long a conviction is kept */
  constructor(
    private readonly engine: Engine,
    private readonly retentionMs: number,
  ) {
    super();
    this.tables = { owners: engine.text('po'), counts: engine.text('pc'), left: engine.text('pl') };
  }

  async beat(): Promise<void> {
    // nobody else can be there to ask
  }

  async instances(): Promise<Instance[]> {
    return [];
  }

  leave(boot: string): Promise<void> {
    return this.move((tx) => tx.put(this.tables.left, LAST, boot));
  }

  take(place: PartitionPlace, boot: string, offset: number): Promise<Taken> {
    return this.move((tx) => {
      const key = placeKey(place);
      const before = tx.get(this.tables.owners, key);
      const died = before !== undefined && before !== boot && tx.get(this.tables.left, LAST) !== before;
      if (before !== boot) tx.put(this.tables.owners, key, boot);
      const counts: DeliveryCount[] = [];
      for (const row of tx.range(this.tables.counts, under(key))) {
        const { convictedAt, ...count } = JSON.parse(row.value) as KeptCount;
        const isKept = convictedAt === undefined ? count.offset >= offset : !this.isOld(convictedAt);
        if (isKept) counts.push(count);
        else tx.del(this.tables.counts, row.key);
      }
      return { died, counts };
    });
  }

  count(place: PartitionPlace, records: readonly Pick<DeliveryCount, 'event' | 'offset'>[]): Promise<void> {
    return this.move((tx) => {
      for (const { event, offset } of records)
        this.change(tx, place, event, (c) => ({
          ...c,
          offset: Math.max(c.offset, offset),
          deliveries: c.deliveries + 1,
        }));
    });
  }

  counts(place: PartitionPlace): Promise<DeliveryCount[]> {
    return this.move((tx) =>
      tx.range(this.tables.counts, under(placeKey(place))).map(({ value }) => {
        const { convictedAt: _at, ...count } = JSON.parse(value) as KeptCount;
        return count;
      }),
    );
  }

  kill(place: PartitionPlace, event: string): Promise<number> {
    return this.move((tx) => this.change(tx, place, event, (c) => ({ ...c, kills: c.kills + 1 })).kills);
  }

  convict(place: PartitionPlace, event: string): Promise<void> {
    const convictedAt = this.engine.now();
    return this.move(
      (tx) => void this.change(tx, place, event, (c) => ({ ...c, convicted: true, convictedAt })),
    );
  }

  async isConvicted(place: PartitionPlace, event: string): Promise<boolean> {
    const text = await this.move((tx) => tx.get(this.tables.counts, countKey(place, event)));
    return text !== undefined && (JSON.parse(text) as DeliveryCount).convicted;
  }

  release(place: PartitionPlace, event: string): Promise<void> {
    return this.move((tx) => {
      const key = countKey(place, event);
      if (tx.get(this.tables.counts, key) !== undefined) tx.del(this.tables.counts, key);
    });
  }

  forget(place: PartitionPlace): Promise<void> {
    return this.move((tx) => {
      for (const { key, value } of tx.range(this.tables.counts, under(placeKey(place))))
        if (!(JSON.parse(value) as DeliveryCount).convicted) tx.del(this.tables.counts, key);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private isOld(at: number): boolean {
    return at + this.retentionMs <= this.engine.now();
  }

  private change(
    tx: Transaction,
    place: PartitionPlace,
    event: string,
    changed: (count: KeptCount) => KeptCount,
  ): KeptCount {
    const key = countKey(place, event);
    const before = tx.get(this.tables.counts, key);
    const count = changed(
      before === undefined
        ? { event, offset: 0, deliveries: 0, kills: 0, convicted: false }
        : (JSON.parse(before) as KeptCount),
    );
    tx.put(this.tables.counts, key, JSON.stringify(count));
    return count;
  }

  private move<T>(fn: (tx: Transaction) => T): Promise<T> {
    return this.closed
      ? Promise.reject(new DormouseError('closed', 'expected an open store of deliveries, but it was closed'))
      : this.engine.move(fn);
  }
}

const placeKey = ({ topic, partition }: PartitionPlace): string => `${keyPart(topic)}|${partition}`;
const countKey = (place: PartitionPlace, event: string): string => `${placeKey(place)}|${keyPart(event)}`;
