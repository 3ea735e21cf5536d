import kafkajs, { type Admin } from 'kafkajs';
import { DormouseError } from '#contracts';
import type { GroupLag, PartitionPosition, TopicDescription, TopicSpec } from '../../port.js';
import { type KafkaClient, openClient } from './kafka-client.js';
import { asDormouseError, forbids, isPassing, protocolError } from './kafka-error.js';
import type { KafkaSettings } from './kafka-options.js';

interface Connection {
  client: KafkaClient;
  connected: Promise<Admin>;
}

interface Bounds {
  low: number;
  end: number;
}

/** What the brokers will be able to answer soon. */
interface Pending {
  withinMs: number;
  everyMs: number;
  isOnItsWay: (error: unknown) => boolean;
}
const COORDINATOR: Pending = {
  withinMs: 30_000,
  everyMs: 100,
  isOnItsWay: (error) => DormouseError.is(error) && error.retryable,
};
/** Of a partition that was made, or moved, a moment ago. */
const LEADERLESS = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']);
const LEADER: Pending = {
  withinMs: 10_000,
  everyMs: 50,
  isOnItsWay: (error) => LEADERLESS.has(protocolError(error) ?? ''),
};
/** `max.message.bytes` where nobody has set another, or where we may not ask */
const USUAL_BATCH_BYTES = 1_048_588;

/** By their names in Kafka. */
type TopicSettings = Partial<Record<string, string>>;
const DESCRIBED = ['retention.ms', 'max.message.bytes', 'min.insync.replicas', 'cleanup.policy'] as const;

const keptMs = (settings: TopicSettings | undefined): number | null => {
  const value = settings?.['retention.ms'];
  if (value === undefined) return null;
  return Number(value) < 0 ? Infinity : Number(value);
};

const numberIn = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

/** @param replicas of each partition; none: there is no such topic */
const describedAs = (
  topic: string,
  replicas: readonly number[],
  settings: TopicSettings | undefined,
): TopicDescription => ({
  topic,
  partitions: replicas.length,
  replicas: replicas.length === 0 ? 0 : Math.min(...replicas),
  leastReplicas: numberIn(settings?.['min.insync.replicas']),
  retentionMs: keptMs(settings),
  maxBatchBytes: numberIn(settings?.['max.message.bytes']),
  compacted: settings?.['cleanup.policy']?.includes('compact') ?? null,
});

/** What we ask of the brokers beside records. One connection, made when it is first needed, and anew after trouble. */
export class KafkaAdmin {
  private current: Connection | undefined;
  private closed = false;

  constructor(private readonly settings: KafkaSettings) {}

  /** The topics that we may see. */
  topics(): Promise<string[]> {
    return this.ask('list the topics', (admin) => admin.listTopics());
  }

  /** Makes topics; one that is there already stays as it is. @throws DormouseError `invalid_settings` when we may not */
  async create(topics: readonly TopicSpec[]): Promise<void> {
    const { replication } = this.settings;
    await this.ask(`create the topics ${topics.map(({ topic }) => topic).join(', ')}`, (admin) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: topics.map(({ topic, partitions, retentionMs }) => ({
          topic,
          numPartitions: partitions,
          ...(retentionMs === undefined
            ? {}
            : { configEntries: [{ name: 'retention.ms', value: String(retentionMs) }] }),
          // -1: as the brokers have it set
          replicationFactor: replication ?? -1,
        })),
      }),
    );
  }

  /** How many partitions each topic has. @throws DormouseError `unavailable` when one isn't there, or has no leader */
  async partitions(topics: readonly string[]): Promise<Map<string, number>> {
    const found = await this.ask(`read the topics ${topics.join(', ')}`, (admin) =>
      admin.fetchTopicMetadata({ topics: [...topics] }),
    );
    return new Map(found.topics.map(({ name, partitions }) => [name, partitions.length]));
  }

  /** The largest batch that each topic takes, in bytes; where we may not ask, what is usual. */
  async batchBytes(topics: readonly string[]): Promise<Map<string, number>> {
    const values = await this.settingsOf(topics, ['max.message.bytes']);
    if (values === null)
      this.settings.warn(
        `Kafka does not let us read the topics' configuration: taking max.message.bytes for ${USUAL_BATCH_BYTES}`,
      );
    return new Map(
      topics.map((topic) => {
        const value = Number(values?.get(topic)?.['max.message.bytes']);
        return [topic, value > 0 ? value : USUAL_BATCH_BYTES];
      }),
    );
  }

  /** How long a topic keeps its records, ms; null where we may not ask. */
  async retentionMs(topic: string): Promise<number | null> {
    return keptMs((await this.settingsOf([topic], ['retention.ms']))?.get(topic));
  }

  /** In their order; also of topics that aren't there. */
  async describe(topics: readonly string[]): Promise<TopicDescription[]> {
    const existing = new Set(await this.topics());
    const there = topics.filter((topic) => existing.has(topic));
    if (there.length === 0) return topics.map((topic) => describedAs(topic, [], undefined));
    const found = await this.ask(`read the topics ${there.join(', ')}`, (admin) =>
      admin.fetchTopicMetadata({ topics: there }),
    );
    const settings = await this.settingsOf(there, DESCRIBED);
    return topics.map((topic) => {
      const partitions = found.topics.find(({ name }) => name === topic)?.partitions ?? [];
      return describedAs(
        topic,
        partitions.map(({ replicas }) => replicas.length),
        settings?.get(topic),
      );
    });
  }

  /** How many members a group has. */
  async members(group: string): Promise<number> {
    const { groups } = await this.ask(`read the members of group ${group}`, (admin) =>
      admin.describeGroups([group]),
    );
    return groups.find(({ groupId }) => groupId === group)?.members.length ?? 0;
  }

  /** Some settings of each topic; null where we may not ask. */
  private async settingsOf(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<Map<string, TopicSettings> | null> {
    try {
      const { resources } = await this.ask('read the configuration of the topics', (admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: topics.map((topic) => ({
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: topic,
            configNames: [...names],
          })),
        }),
      );
      return new Map(
        resources.map(({ resourceName, configEntries }): [string, TopicSettings] => [
          resourceName,
          Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
        ]),
      );
    } catch (error) {
      if (!forbids(error)) throw error;
      return null;
    }
  }

  /**
   * Waits until groups have a coordinator. On a fresh cluster it is only made when the first one asks, and until then
   * joining fails.
   */
  async coordinatorAnswers(group: string, topic: string): Promise<void> {
    const asked = this.askUntil(COORDINATOR, 'find the coordinator of groups', (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    );
    await asked.catch((error: unknown) => {
      // it is there, and doesn't like this name: the groups in use are another matter
      if (!forbids(error)) throw error;
    });
  }

  /** What the group has committed, by partition; where it has nothing valid, the log's beginning. */
  async positions(topic: string, group: string): Promise<Map<number, PartitionPosition>> {
    const committed = await this.committed(topic, group);
    const found = new Map<number, PartitionPosition>();
    for (const [partition, position] of committed) if (position !== null) found.set(partition, position);
    if (found.size < committed.size) {
      const bounds = await this.bounds(topic);
      for (const partition of committed.keys()) {
        const offset = bounds.get(partition)?.low ?? 0;
        if (!found.has(partition)) found.set(partition, { partition, offset, metadata: '' });
      }
    }
    return found;
  }

  async lag(topic: string, group: string): Promise<GroupLag[]> {
    // in this order, so that no position is beyond the end
    const committed = await this.committed(topic, group);
    const bounds = await this.bounds(topic);
    return [...bounds]
      .map(([partition, { low, end }]) => ({
        topic,
        partition,
        end,
        committed: Math.max(low, committed.get(partition)?.offset ?? low),
      }))
      .sort((a, b) => a.partition - b.partition);
  }

  async close(): Promise<void> {
    this.closed = true;
    const { current } = this;
    this.current = undefined;
    if (current === undefined) return;
    await current.connected.then((admin) => admin.disconnect()).catch(() => undefined);
    current.client.cut();
  }

  /** As the death of the process would. */
  cut(): void {
    this.closed = true;
    const { current } = this;
    if (current !== undefined) this.drop(current);
  }

  private async committed(topic: string, group: string): Promise<Map<number, PartitionPosition | null>> {
    const found = await this.ask(`read the positions of group ${group}`, (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    );
    const partitions = found.find((one) => one.topic === topic)?.partitions ?? [];
    return new Map(
      partitions.map(({ partition, offset, metadata }) => [
        partition,
        // below 0: never committed, or set back by kafkajs when the position was no longer in the log
        Number(offset) < 0 ? null : { partition, offset: Number(offset), metadata: metadata ?? '' },
      ]),
    );
  }

  /** A partition that has no leader at the moment is waited for. */
  private async bounds(topic: string): Promise<Map<number, Bounds>> {
    const found = await this.askUntil(LEADER, `read the ends of ${topic}`, (admin) =>
      admin.fetchTopicOffsets(topic),
    );
    return new Map(
      found.map(({ partition, low, high }) => [partition, { low: Number(low), end: Number(high) }]),
    );
  }

  /** Asks again for as long as the answer is on its way. */
  private async askUntil<T>(
    { withinMs, everyMs, isOnItsWay }: Pending,
    doing: string,
    question: (admin: Admin) => Promise<T>,
  ): Promise<T> {
    const end = performance.now() + withinMs;
    for (;;) {
      try {
        return await this.ask(doing, question);
      } catch (error) {
        if (this.closed || !isOnItsWay(error) || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  private async ask<T>(doing: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    const connection = this.connection();
    try {
      return await question(await connection.connected);
    } catch (error) {
      // its picture of the brokers may be outdated: the next question begins afresh
      if (isPassing(error) || protocolError(error) === undefined) this.drop(connection);
      if (this.closed) throw new DormouseError('closed', 'the transport was closed', { cause: error });
      throw asDormouseError(error, doing);
    }
  }

  private connection(): Connection {
    if (this.closed) throw new DormouseError('closed', 'expected an open transport, but it was closed');
    if (this.current === undefined) {
      const client = openClient(this.settings);
      const admin = client.kafka.admin();
      this.current = { client, connected: admin.connect().then(() => admin) };
    }
    return this.current;
  }

  private drop(connection: Connection): void {
    if (this.current === connection) this.current = undefined;
    connection.client.cut();
    // stops its timers
    void connection.connected.then((admin) => admin.disconnect()).catch(() => undefined);
  }
}
