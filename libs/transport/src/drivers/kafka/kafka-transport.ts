import { DormouseError } from '#contracts';
import {
  type Feed,
  type GroupLag,
  type OutboundRecord,
  type Subscription,
  type TopicDescription,
  type TopicSpec,
  Transport,
  type TransportCapabilities,
} from '../../port.js';
import { KafkaAdmin } from './kafka-admin.js';
import { type KafkaSettings, type KafkaTransportOptions, withDefaults } from './kafka-options.js';
import { KafkaSubscription } from './kafka-subscription.js';
import { TopicLane } from './topic-lane.js';

/** What the brokers take with a commit, unless they are set otherwise (`offset.metadata.max.bytes`). */
const MAX_METADATA_BYTES = 4096;
/** Room in a batch for its own header and for a record's key and headers. */
const ENVELOPE_BYTES = 16 * 1024;
const USUAL_RECORD_BYTES = 1_048_588 - ENVELOPE_BYTES;

/**
 * The log on Apache Kafka.
 *
 * - A publish resolves when all replicas in sync have it. While the brokers are away it waits `publishTimeoutMs`, then
 *   it is rejected as `unavailable`.
 * - A subscription is one member of a consumer group. It goes on by itself after the brokers were away.
 * - Fix the number of partitions at creation: with more of them, keys move to other partitions.
 *
 * `publish` of an unknown topic and a record that is too large are refused before anything is sent.
 */
export class KafkaTransport extends Transport {
  private readonly settings: KafkaSettings;
  private readonly admin: KafkaAdmin;
  private readonly lanes = new Map<string, TopicLane>();
  private readonly subscriptions = new Set<KafkaSubscription>();
  private maxRecordBytes = USUAL_RECORD_BYTES;
  private closed = false;

  constructor(options: KafkaTransportOptions) {
    super();
    this.settings = withDefaults(options);
    this.admin = new KafkaAdmin(this.settings);
  }

  /** `maxRecordBytes` is known for certain after `start`: it follows from the topics' `max.message.bytes`. */
  get capabilities(): TransportCapabilities {
    return {
      driver: 'kafka',
      // replicas keep what was acknowledged; each by itself writes to its disk later
      durability: 'process',
      shared: true,
      maxMetadataBytes: MAX_METADATA_BYTES,
      maxRecordBytes: this.maxRecordBytes,
    };
  }

  async start(specs: readonly TopicSpec[]): Promise<void> {
    this.check();
    for (const { topic, partitions } of specs) {
      if (!Number.isInteger(partitions) || partitions < 1)
        throw invalid(`topic ${topic}: expected a whole number of partitions from 1 on, got ${partitions}`);
    }
    const names = [...new Set(specs.map(({ topic }) => topic))];
    const first = names[0];
    if (first === undefined) return;
    const existing = new Set(await this.admin.topics());
    const missing = specs.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) await this.admin.create(missing);
    const found = await this.admin.partitions(names);
    for (const { topic, partitions } of specs) {
      const has = found.get(topic);
      if (has !== partitions)
        this.settings.warn(
          `Kafka: ${topic} has ${String(has)} partitions, not ${partitions}; it is used as it is`,
        );
    }
    const batchBytes = await this.admin.batchBytes(names);
    await this.admin.coordinatorAnswers(this.settings.clientId, first);
    this.check();
    const fresh: TopicLane[] = [];
    for (const [topic, bytes] of batchBytes) {
      this.maxRecordBytes = Math.min(
        this.lanes.size === 0 ? Infinity : this.maxRecordBytes,
        bytes - ENVELOPE_BYTES,
      );
      if (this.lanes.has(topic)) continue;
      const lane = new TopicLane(this.settings, topic, bytes - ENVELOPE_BYTES / 2);
      this.lanes.set(topic, lane);
      fresh.push(lane);
    }
    await Promise.all(fresh.map((lane) => lane.warm()));
  }

  async describe(topics: readonly string[]): Promise<TopicDescription[]> {
    this.check();
    return this.admin.describe(topics);
  }

  async publish(records: readonly OutboundRecord[]): Promise<void> {
    this.check();
    const perLane = new Map<TopicLane, OutboundRecord[]>();
    for (const record of records) {
      const lane = this.accept(record);
      const own = perLane.get(lane);
      if (own === undefined) perLane.set(lane, [record]);
      else own.push(record);
    }
    const answers = await Promise.allSettled([...perLane].map(([lane, own]) => lane.publish(own)));
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  }

  async subscribe(topic: string, group: string, feed: Feed): Promise<Subscription> {
    this.check();
    this.lane(topic);
    const { settings, admin } = this;
    const subscription = new KafkaSubscription(
      settings,
      topic,
      group,
      admin,
      feed,
      MAX_METADATA_BYTES,
      (one) => this.subscriptions.delete(one),
    );
    this.subscriptions.add(subscription);
    await subscription.open();
    return subscription;
  }

  async lag(topic: string, group: string): Promise<GroupLag[]> {
    this.check();
    this.lane(topic);
    return this.admin.lag(topic, group);
  }

  async members(topic: string, group: string): Promise<number> {
    this.check();
    this.lane(topic);
    return this.admin.members(group);
  }

  async retentionMs(topic: string): Promise<number | null> {
    this.check();
    this.lane(topic);
    return this.admin.retentionMs(topic);
  }

  /** The brokers answer, and all topics are there and have leaders. */
  async ping(): Promise<void> {
    this.check();
    if (this.lanes.size === 0) await this.admin.topics();
    else await this.admin.partitions([...this.lanes.keys()]);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    await Promise.all([...this.lanes.values()].map((lane) => lane.close()));
    await this.admin.close();
  }

  /** All connections end at once, as by the death of the process: for tests of what that leaves behind. */
  abandon(): void {
    this.closed = true;
    for (const subscription of this.subscriptions) subscription.cut();
    for (const lane of this.lanes.values()) lane.cut();
    this.admin.cut();
  }

  private accept({ topic, value }: OutboundRecord): TopicLane {
    const lane = this.lane(topic);
    const { maxRecordBytes } = this;
    if (value.length > maxRecordBytes)
      throw invalid(`record value: expected at most ${maxRecordBytes} bytes, got ${value.length}`);
    return lane;
  }

  private lane(topic: string): TopicLane {
    const lane = this.lanes.get(topic);
    if (lane === undefined)
      throw invalid(`topic: expected one of ${[...this.lanes.keys()].join(', ') || 'none'}, got ${topic}`);
    return lane;
  }

  private check(): void {
    if (this.closed) throw new DormouseError('closed', 'expected an open transport, but it was closed');
  }
}

const invalid = (message: string): DormouseError => new DormouseError('invalid_request', message);
