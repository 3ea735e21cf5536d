import type { Batch, Cluster, Consumer, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs';
import type { Feed, PartitionPosition } from '../../port.js';
import { FedPartition } from './fed-partition.js';
import type { KafkaAdmin } from './kafka-admin.js';
import { type KafkaClient, SHORT_RETRY, openClient } from './kafka-client.js';
import { forbids } from './kafka-error.js';
import type { KafkaSettings } from './kafka-options.js';
import { logRecord } from './log-record.js';
import { MemberCommits } from './member-commits.js';
import { LifeSigns } from './life-signs.js';
import { Ownership } from './ownership.js';
import { stickyAssigner } from './sticky-assigner.js';

/** The long poll, and with it how long a partition that is resumed, or a `close`, may wait. ~10 empty fetches a second. */
const MAX_WAIT_MS = 100;
/**
 * A fetch that is on its way when a partition is paused comes all the same: this bounds what that can be. What one fetch
 * brings is worked on at once, and what waits longer is moved twice by the garbage collector: four times as much costs a
 * sixth more CPU a session. A single record may be larger.
 */
const MAX_PARTITION_BYTES = 64 * 1024;
const LEARN_AGAIN_MS = 100;
/** How long `leave` waits for a join that is under way, and for kafkajs to say good-bye. */
const LEAVE_WITHIN_MS = 10_000;

/**
 * One kafkajs consumer, from its joining to its crash or leaving. It is used as a feed alone: what it hands over goes
 * on at once and nothing here waits for work, as kafkajs sends heartbeats between two batches only.
 *
 * What kafkajs does not tell, and how it is found out:
 * - No event says that partitions are lost. Each `GROUP_JOIN` has the new assignment, to be compared with the old one.
 * - A member that was thrown out (it was frozen, or the coordinator forgot it) hears nothing either; its next
 *   `GROUP_JOIN` has another member id, and then everything was lost, also what it has got again.
 * - After any join kafkajs reads from what is committed. Kept partitions are set to what was fed last.
 * - A topic that was deleted makes no event at all: `ping` of the transport asks for it.
 */
export class GroupMember {
  private readonly client: KafkaClient;
  private readonly consumer: Consumer;
  private readonly owned = new Map<number, Ownership>();
  private readonly paused = new Set<number>();
  private readonly commits: MemberCommits;
  private readonly signs: LifeSigns;
  private cluster: Cluster | undefined;
  private memberId: string | null = null;
  private running: Promise<void> | null = null;
  private ended = false;

  /** @param crashed it came to its end by itself; all its partitions were told to be lost. Called once. */
  constructor(
    private readonly settings: KafkaSettings,
    private readonly topic: string,
    private readonly group: string,
    private readonly admin: KafkaAdmin,
    private readonly feed: Feed,
    private readonly crashed: (error: Error) => void,
  ) {
    this.client = openClient(settings);
    this.commits = new MemberCommits(topic, group, settings, this.owned, () => this.cluster);
    const { sessionTimeoutMs, heartbeatMs } = settings;
    this.consumer = this.client.kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      // nobody here finishes work before rejoining, so nobody needs longer than the dead have anyway
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytesPerPartition: MAX_PARTITION_BYTES,
      allowAutoTopicCreation: false,
      partitionAssigners: [
        stickyAssigner(
          () => ({ generation: this.commits.lastGeneration, partitions: [...this.owned.keys()] }),
          (cluster) => (this.cluster = cluster),
        ),
      ],
      // kafkajs's own restart goes on after a `disconnect` that comes in the middle of it
      retry: { ...SHORT_RETRY, retries: 10, restartOnFailure: () => Promise.resolve(false) },
    });
    this.signs = new LifeSigns(sessionTimeoutMs, (silentMs) => {
      this.end(new Error(`no sign of the group's coordinator for ${silentMs} ms`));
    });
    const { events } = this.consumer;
    this.consumer.on(events.GROUP_JOIN, ({ payload }) => {
      this.joined(payload);
    });
    this.consumer.on(events.HEARTBEAT, ({ payload }) => {
      this.signs.sign();
      if (payload.memberId === this.memberId)
        this.commits.heartbeat(payload.groupGenerationId, payload.memberId);
    });
    this.consumer.on(events.CRASH, ({ payload }) => {
      this.end(payload.error);
    });
  }

  /** @throws the errors of kafkajs when the brokers can't be reached */
  async connect(): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [this.topic], fromBeginning: true });
  }

  /** Begins to join; partitions follow. */
  run(): void {
    this.signs.start();
    this.running = this.consumer.run({
      // offsets are committed by `commit` alone; "resolving" moves kafkajs's reading position only, also over
      // control records, which never come to us
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: (payload) => this.batch(payload),
    });
    this.running.catch((error: unknown) => {
      this.end(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** kafkajs drops what it has fetched of a partition that was paused meanwhile, and fetches it again after `resume`. */
  pause(partitions: readonly number[]): void {
    for (const partition of partitions) if (this.owned.has(partition)) this.paused.add(partition);
    this.applyPauses();
  }

  resume(partitions: readonly number[]): void {
    for (const partition of partitions) this.paused.delete(partition);
    this.applyPauses();
  }

  commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    return this.commits.commit(positions);
  }

  /** Leaves the group at once, so that others take over without waiting for the session timeout. */
  async leave(): Promise<void> {
    const crashedBefore = this.ended;
    this.stop();
    if (!crashedBefore) {
      // kafkajs drops commits once it is stopping
      await this.commits.settled();
      // a member that is left while it joins stays in the group, and goes on by itself
      await within(LEAVE_WITHIN_MS, this.running ?? Promise.resolve());
      await within(LEAVE_WITHIN_MS, this.consumer.disconnect());
    }
    this.client.cut();
  }

  /** As the death of the process would: the group goes on to wait for it. */
  cut(): void {
    this.stop();
    this.discard();
  }

  private discard(): void {
    this.client.cut();
    // stops its loops; the group hears nothing of it
    void this.consumer.disconnect().catch(() => undefined);
  }

  private stop(): void {
    this.ended = true;
    this.signs.stop();
    this.commits.stop();
  }

  private end(error: Error): void {
    if (this.ended) return;
    this.stop();
    this.discard();
    this.lose([...this.owned.keys()]);
    this.crashed(error);
  }

  private joined({ memberId, memberAssignment }: ConsumerGroupJoinEvent['payload']): void {
    if (this.ended) return;
    this.signs.sign();
    this.commits.joined();
    const replaced = this.memberId !== null && this.memberId !== memberId;
    this.memberId = memberId;
    const assigned = memberAssignment[this.topic] ?? [];
    this.lose([...this.owned.keys()].filter((partition) => replaced || !assigned.includes(partition)));
    const gained: Ownership[] = [];
    for (const partition of assigned) {
      const kept = this.owned.get(partition);
      if (kept === undefined) {
        const ownership = new Ownership(partition);
        this.owned.set(partition, ownership);
        gained.push(ownership);
      } else if (kept.fed !== null) this.seek(partition, kept.fed.next);
    }
    this.applyPauses();
    if (gained.length > 0) void this.learn(gained);
  }

  private lose(partitions: readonly number[]): void {
    const told: number[] = [];
    for (const partition of partitions) {
      if (this.owned.get(partition)?.fed) told.push(partition);
      this.owned.delete(partition);
      this.paused.delete(partition);
    }
    if (told.length > 0) this.feed.lost(told);
  }

  /** Finds out where reading begins and what is finished above; until then the records of these partitions wait. */
  private async learn(gained: readonly Ownership[]): Promise<void> {
    const ours = (): Ownership[] =>
      this.ended ? [] : gained.filter((one) => this.owned.get(one.partition) === one);
    while (ours().length > 0) {
      try {
        // after the join: the owner before us can't commit any more
        const positions = await this.admin.positions(this.topic, this.group);
        const begun: PartitionPosition[] = [];
        for (const ownership of ours()) {
          const { partition } = ownership;
          // a partition that the topic has got since
          const position = positions.get(partition) ?? { partition, offset: 0, metadata: '' };
          ownership.begin(new FedPartition(position.offset));
          begun.push(position);
        }
        if (begun.length > 0) this.feed.assigned(begun);
        return;
      } catch (error) {
        if (forbids(error)) this.end(error as Error);
        await new Promise((resolve) => setTimeout(resolve, LEARN_AGAIN_MS));
      }
    }
  }

  private async batch(payload: EachBatchPayload): Promise<void> {
    this.commits.closure = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    const { partition, messages } = payload.batch;
    const ownership = this.owned.get(partition);
    // of an earlier generation; should the partition come back, the hole that kafkajs now makes is found
    if (ownership === undefined) return;
    while (ownership.fed === null && this.owned.get(partition) === ownership && !this.ended) {
      await within(this.settings.heartbeatMs, ownership.begun);
      await payload.heartbeat();
    }
    const { fed } = ownership;
    if (this.ended || fed === null || this.owned.get(partition) !== ownership) return;
    const verdict = fed.judge(fetchedFrom(payload.batch), messages);
    if (verdict.kind === 'reread') {
      this.seek(partition, verdict.offset);
      return;
    }
    const records = [];
    for (let i = verdict.from; i < messages.length; i++) {
      const message = messages[i];
      if (message !== undefined) records.push(logRecord(this.topic, partition, message));
    }
    const last = records.at(-1);
    if (last === undefined) return;
    fed.fed(last.offset);
    this.feed.records(partition, records);
  }

  private seek(partition: number, offset: number): void {
    this.whileRunning(() => {
      this.consumer.seek({ topic: this.topic, partition, offset: String(offset) });
    });
  }

  /** kafkajs keeps its pauses over joins, by number of partition, whoever had it in between: ours count. */
  private applyPauses(): void {
    if (this.memberId === null || this.ended) return;
    const held = [...this.owned.keys()].filter((partition) => this.paused.has(partition));
    const free = [...this.owned.keys()].filter((partition) => !this.paused.has(partition));
    this.whileRunning(() => {
      if (held.length > 0) this.consumer.pause([{ topic: this.topic, partitions: held }]);
      if (free.length > 0) this.consumer.resume([{ topic: this.topic, partitions: free }]);
    });
  }

  private whileRunning(call: () => void): void {
    try {
      call();
    } catch {
      // it has crashed and is about to say so
    }
  }
}

/** kafkajs's batches know it, its types don't. Without it there is no hole to be seen. */
const fetchedFrom = (batch: Batch): number =>
  Number((batch as Batch & { fetchedOffset?: string }).fetchedOffset ?? 0);

/** Waits for an end, good or bad, but not longer. */
const within = async (ms: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
};
