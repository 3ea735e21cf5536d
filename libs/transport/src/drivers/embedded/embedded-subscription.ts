import { DormouseError } from '#contracts';
import { type Engine } from '#engine';
import type { Feed, PartitionPosition, Subscription } from '../../port.js';
import { type Group, type Member } from './group.js';
import { type TopicLog } from './topic-log.js';

/** Records handed over before the event loop gets its turn. */
const BATCH_RECORDS = 256;

interface Reading {
  /** the next offset to hand over */
  offset: number;
  paused: boolean;
}

/** A member of a group: hands the log's records to its feed as soon as they are durable. */
export class EmbeddedSubscription implements Subscription, Member {
  private readonly reading = new Map<number, Reading>();
  private scheduled = false;
  private closed = false;

  constructor(
    private readonly engine: Engine,
    private readonly topic: TopicLog,
    private readonly groupName: string,
    private readonly group: Group<EmbeddedSubscription>,
    private readonly feed: Feed,
    private readonly maxMetadataBytes: number,
  ) {}

  get owned(): Iterable<number> {
    return this.reading.keys();
  }

  take(partitions: readonly number[]): void {
    if (this.closed) return;
    this.orFail(() => {
      const positions = this.engine.peek((view) =>
        partitions.map((partition) => this.topic.position(view, this.groupName, partition)),
      );
      for (const { partition, offset } of positions) this.reading.set(partition, { offset, paused: false });
      this.feed.assigned(positions);
      this.wake();
    });
  }

  lose(partitions: readonly number[]): void {
    for (const partition of partitions) this.reading.delete(partition);
    if (!this.closed) this.feed.lost(partitions);
  }

  /** There may be something new to read. */
  wake(): void {
    if (this.scheduled || this.closed) return;
    this.scheduled = true;
    // after the continuations of all publishes that became durable together
    queueMicrotask(this.run);
  }

  fail(error: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.reading.clear();
    this.feed.failed(error);
  }

  pause(partitions: readonly number[]): void {
    this.setPaused(partitions, true);
  }

  resume(partitions: readonly number[]): void {
    this.setPaused(partitions, false);
    this.wake();
  }

  async commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    if (this.closed) throw new DormouseError('closed', 'expected an open subscription, but it was closed');
    for (const { metadata } of positions) {
      if (Buffer.byteLength(metadata) > this.maxMetadataBytes)
        throw new DormouseError(
          'invalid_request',
          `metadata: expected at most ${this.maxMetadataBytes} bytes, got ${Buffer.byteLength(metadata)}`,
        );
    }
    const ours = positions.filter(({ partition }) => this.reading.has(partition));
    await this.engine.move((tx) => {
      for (const position of ours) this.topic.setPosition(tx, this.groupName, position);
    });
    return ours.length === positions.length ? 'committed' : 'fenced';
  }

  async close(): Promise<void> {
    this.stop();
    this.group.leave(this);
  }

  /** Calls the feed no more. */
  stop(): void {
    this.closed = true;
    this.reading.clear();
  }

  private setPaused(partitions: readonly number[], paused: boolean): void {
    for (const partition of partitions) {
      const reading = this.reading.get(partition);
      if (reading) reading.paused = paused;
    }
  }

  private readonly run = (): void => {
    this.scheduled = false;
    this.orFail(() => {
      if (!this.handOver() || this.closed) return;
      this.scheduled = true;
      setImmediate(this.run);
    });
  };

  /** In a turn of the event loop that nobody waits for: an error ends the subscription. */
  private orFail(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** One batch of each partition; tells whether more is there. */
  private handOver(): boolean {
    let more = false;
    for (const [partition, reading] of [...this.reading]) {
      const { start, end } = this.topic.log(partition);
      if (reading.offset < start) reading.offset = start;
      // the feed may have paused, lost or closed it a moment ago
      if (reading.paused || reading.offset >= end || this.reading.get(partition) !== reading) continue;
      const records = this.engine.peek((view) =>
        this.topic.read(view, partition, reading.offset, BATCH_RECORDS),
      );
      const last = records.at(-1);
      reading.offset = last === undefined ? end : last.offset + 1;
      if (last !== undefined) this.feed.records(partition, records);
      // the feed may have paused it in answer
      if (reading.offset < end && this.reading.get(partition)?.paused === false) more = true;
    }
    return more;
  }
}
