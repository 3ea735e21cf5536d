import type { Feed, LogRecord, PartitionPosition, Subscription, Transport } from '#transport';
import { eventually } from '../eventually.js';

/** A member of a group that keeps what its feed is told, and notes every call that the port rules out. */
export class Member implements Feed {
  /** by partition: what it was assigned with */
  readonly owned = new Map<number, PartitionPosition>();
  /** all records in the order of the calls, repeats included */
  readonly received: LogRecord[] = [];
  readonly lostPartitions: number[] = [];
  /** calls that break a promise of the feed, as sentences */
  readonly violations: string[] = [];
  failure: Error | undefined;
  calls = 0;
  private readonly nextOffset = new Map<number, number>();
  private subscription: Subscription | undefined;
  private ended = false;

  static async join(transport: Transport, topic: string, group: string): Promise<Member> {
    const member = new Member();
    member.subscription = await transport.subscribe(topic, group, member);
    return member;
  }

  assigned(partitions: readonly PartitionPosition[]): void {
    this.call();
    for (const position of partitions) {
      this.owned.set(position.partition, position);
      this.nextOffset.set(position.partition, position.offset);
    }
  }

  lost(partitions: readonly number[]): void {
    this.call();
    for (const partition of partitions) {
      if (!this.owned.delete(partition)) this.violations.push(`lost ${partition}, which it did not have`);
      this.lostPartitions.push(partition);
    }
  }

  records(partition: number, records: readonly LogRecord[]): void {
    this.call();
    if (!this.owned.has(partition)) this.violations.push(`records of ${partition}, which it does not have`);
    let next = this.nextOffset.get(partition) ?? 0;
    for (const record of records) {
      if (record.partition !== partition)
        this.violations.push(`record of ${record.partition} as one of ${partition}`);
      if (record.offset < next) this.violations.push(`${partition}: ${record.offset} after ${next - 1}`);
      next = record.offset + 1;
      this.received.push(record);
    }
    this.nextOffset.set(partition, next);
  }

  failed(error: Error): void {
    this.failure = error;
  }

  /** the texts of all records so far, repeats left out, in the order of their first coming */
  get texts(): string[] {
    const seen = new Set<string>();
    return this.received
      .filter(({ partition, offset }) => {
        const id = `${partition}/${offset}`;
        return !seen.has(id) && seen.add(id);
      })
      .map((record) => (record.value ?? Buffer.alloc(0)).toString());
  }

  /** its partitions, in order */
  get partitions(): number[] {
    return [...this.owned.keys()].sort((a, b) => a - b);
  }

  /** Waits until it has so many partitions. */
  async has(partitions: number): Promise<this> {
    await eventually(() => this.owned.size === partitions, {
      what: `${partitions} partitions`,
      timeoutMs: 15_000,
    });
    return this;
  }

  /** Waits until it got so many different records. */
  async got(records: number): Promise<this> {
    await eventually(() => this.texts.length >= records, {
      what: `${records} records`,
      timeoutMs: 15_000,
    });
    return this;
  }

  /** Acknowledges everything that came of these partitions (default: all). */
  commitAll(partitions: readonly number[] = this.partitions, metadata = ''): Promise<'committed' | 'fenced'> {
    return this.commit(
      partitions.map((partition) => ({ partition, offset: this.nextOffset.get(partition) ?? 0, metadata })),
    );
  }

  commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    return this.joined.commit(positions);
  }

  pause(partitions: readonly number[]): void {
    this.joined.pause(partitions);
  }

  resume(partitions: readonly number[]): void {
    this.joined.resume(partitions);
  }

  async close(): Promise<void> {
    await this.joined.close();
    this.ended = true;
  }

  private get joined(): Subscription {
    if (this.subscription === undefined) throw new Error('not joined yet');
    return this.subscription;
  }

  private call(): void {
    this.calls++;
    if (this.ended) this.violations.push('a call after the end');
  }
}
