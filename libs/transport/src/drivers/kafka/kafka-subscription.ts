import { DormouseError } from '#contracts';
import type { Feed, PartitionPosition, Subscription } from '../../port.js';
import { GroupMember } from './group-member.js';
import type { KafkaAdmin } from './kafka-admin.js';
import { asDormouseError, isPassing } from './kafka-error.js';
import type { KafkaSettings } from './kafka-options.js';

/** So often in a row a member may end by an error that waiting doesn't help, before the subscription is given up. */
const TRIES = 5;
/** A member that had partitions for so long could read them: one that can't ends at its first fetch. */
const SETTLED_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * A subscription outlives its members: one that crashed is followed by another. While the brokers are away it goes on
 * trying; an error of another kind (a right that is missing, a codec that isn't there) ends it after some tries.
 */
export class KafkaSubscription implements Subscription {
  private member: GroupMember | null = null;
  private timer: NodeJS.Timeout | undefined;
  /** crashes since partitions were last assigned */
  private crashes = 0;
  /** crashes by an error that waiting doesn't help, since a member last was settled */
  private lastingCrashes = 0;
  /** when the member got its first partitions; by `performance.now` */
  private assignedAt: number | undefined;
  private closed = false;
  private readonly feed: Feed;

  constructor(
    private readonly settings: KafkaSettings,
    private readonly topic: string,
    private readonly group: string,
    private readonly admin: KafkaAdmin,
    private readonly target: Feed,
    private readonly maxMetadataBytes: number,
    private readonly ended: (subscription: KafkaSubscription) => void,
  ) {
    this.feed = {
      assigned: (partitions) => {
        this.crashes = 0;
        this.assignedAt ??= performance.now();
        target.assigned(partitions);
      },
      lost: (partitions) => {
        if (!this.closed) target.lost(partitions);
      },
      records: (partition, records) => {
        target.records(partition, records);
      },
      failed: (error) => {
        target.failed(error);
      },
    };
  }

  /** Connects and begins to join. @throws DormouseError `unavailable`, or `invalid_settings` when we may not */
  async open(): Promise<void> {
    const member = this.newMember();
    try {
      await member.connect();
    } catch (error) {
      await this.close();
      throw asDormouseError(error, `join group ${this.group}`);
    }
    if (!this.closed) member.run();
  }

  pause(partitions: readonly number[]): void {
    this.member?.pause(partitions);
  }

  resume(partitions: readonly number[]): void {
    this.member?.resume(partitions);
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
    if (this.member === null) return positions.length === 0 ? 'committed' : 'fenced';
    return this.member.commit(positions);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    this.ended(this);
    const { member } = this;
    this.member = null;
    await member?.leave();
  }

  /** As the death of the process would. */
  cut(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.member?.cut();
  }

  private newMember(): GroupMember {
    const { settings, topic, group, admin, feed } = this;
    const member = new GroupMember(settings, topic, group, admin, feed, (error) => {
      this.crashed(error);
    });
    this.member = member;
    this.assignedAt = undefined;
    return member;
  }

  private crashed(error: Error): void {
    this.member = null;
    if (this.closed) return;
    this.crashes++;
    if (this.assignedAt !== undefined && performance.now() - this.assignedAt >= SETTLED_MS)
      this.lastingCrashes = 0;
    if (!isPassing(error)) this.lastingCrashes++;
    if (this.lastingCrashes > TRIES) {
      this.closed = true;
      this.ended(this);
      this.target.failed(asDormouseError(error, `read ${this.topic} as a member of group ${this.group}`));
      return;
    }
    this.settings.warn(
      `Kafka: the member of group ${this.group} on ${this.topic} ended, another one joins: ${error.message}`,
    );
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(10, this.crashes - 1));
    this.timer = setTimeout(() => void this.rejoin(), pauseMs);
  }

  private async rejoin(): Promise<void> {
    if (this.closed) return;
    const member = this.newMember();
    try {
      await member.connect();
    } catch (error) {
      if (this.member === member) {
        member.cut();
        this.crashed(error instanceof Error ? error : new Error(String(error)));
      }
      return;
    }
    if (this.member === member) member.run();
  }
}
