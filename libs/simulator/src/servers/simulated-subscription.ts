import { DormouseError } from '#contracts';
import type { Feed, LogRecord, PartitionPosition, Subscription } from '#transport';
import type { Line } from './line.js';
import type { GroupMember, LogGroup, Ownership } from './log-rows.js';

/** A member talks to its coordinator over one connection. */
const ON_ITS_CONNECTION = { inOrder: true, once: true } as const;

interface Cursor {
  next: number;
  epoch: number;
  paused: boolean;
}

export interface SubscriptionParts {
  line: Line;
  feed: Feed;
  group: LogGroup;
  partitions: readonly (readonly LogRecord[])[];
  /** told when the topic grows */
  readers: Set<() => void>;
  /** records of one partition handed over at a time */
  batch: () => number;
  maxMetadataBytes: number;
}

/**
 * A membership of a simulated group. What it believes to own is what it was told last, which a member that is slow or
 * frozen learns late; the group's coordinator knows better, and fences its commits.
 */
export class SimulatedSubscription implements Subscription, GroupMember {
  private readonly cursors = new Map<number, Cursor>();
  private wanted = false;
  private closed = false;

  constructor(private readonly parts: SubscriptionParts) {}

  join(): void {
    this.parts.readers.add(this.wake);
    this.parts.group.join(this);
  }

  /** By the coordinator: it was silent for too long. It joins again when it hears of it. */
  evict(): void {
    this.parts.group.leave(this);
  }

  /** It finds out that it was evicted. */
  rejoin(): void {
    if (this.closed) return;
    this.parts.group.join(this);
  }

  given(ownerships: readonly Ownership[]): void {
    this.parts.line.tell(() => {
      if (this.closed) return;
      for (const { partition, offset, epoch } of ownerships)
        this.cursors.set(partition, { next: offset, epoch, paused: false });
      this.parts.feed.assigned(
        ownerships.map(({ partition, offset, metadata }) => ({ partition, offset, metadata })),
      );
      this.wake();
    });
  }

  taken(partitions: readonly number[]): void {
    this.parts.line.tell(() => {
      const held = partitions.filter((partition) => this.cursors.delete(partition));
      if (!this.closed && held.length > 0) this.parts.feed.lost(held);
    });
  }

  pause(partitions: readonly number[]): void {
    for (const cursor of this.cursorsOf(partitions)) cursor.paused = true;
  }

  resume(partitions: readonly number[]): void {
    for (const cursor of this.cursorsOf(partitions)) cursor.paused = false;
    this.wake();
  }

  async commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    const { line, group, maxMetadataBytes } = this.parts;
    if (this.closed) throw new DormouseError('closed', 'expected an open subscription, but it was closed');
    for (const { metadata } of positions)
      if (Buffer.byteLength(metadata) > maxMetadataBytes)
        throw new DormouseError(
          'invalid_request',
          `metadata: expected at most ${maxMetadataBytes} bytes, got ${Buffer.byteLength(metadata)}`,
        );
    const ownerships = positions.map((position) => ({
      ...position,
      epoch: this.cursors.get(position.partition)?.epoch ?? -1,
    }));
    const what = positions.map(({ partition, offset }) => `${partition}:${offset}`).join(' ');
    const owned = await line.call(
      `commit positions ${what}`,
      () => group.commit(this, ownerships),
      ON_ITS_CONNECTION,
    );
    return owned ? 'committed' : 'fenced';
  }

  async close(): Promise<void> {
    this.stop();
    await this.parts.line.call(
      'leave the group',
      () => {
        this.evict();
      },
      ON_ITS_CONNECTION,
    );
  }

  /** Calls the feed no more. */
  stop(): void {
    this.closed = true;
    this.cursors.clear();
    this.parts.readers.delete(this.wake);
  }

  /** There may be something to read. */
  private readonly wake = (): void => {
    if (this.wanted || this.closed) return;
    this.wanted = true;
    this.parts.line.tell(() => {
      this.wanted = false;
      this.handOver();
    });
  };

  private handOver(): void {
    let more = false;
    for (const [partition, cursor] of [...this.cursors]) {
      // the feed may have paused, lost or closed it a moment ago
      if (cursor.paused || this.cursors.get(partition) !== cursor) continue;
      const records = this.parts.partitions[partition] ?? [];
      const batch = records.slice(cursor.next, cursor.next + this.parts.batch());
      const last = batch.at(-1);
      if (last === undefined) continue;
      cursor.next = last.offset + 1;
      this.parts.feed.records(partition, batch);
      if (cursor.next < records.length) more = true;
    }
    if (more) this.wake();
  }

  private cursorsOf(partitions: readonly number[]): Cursor[] {
    return partitions.flatMap((partition) => this.cursors.get(partition) ?? []);
  }
}
