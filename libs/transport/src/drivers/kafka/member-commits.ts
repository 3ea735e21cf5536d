import type { Cluster, EachBatchPayload } from 'kafkajs';
import { DormouseError } from '#contracts';
import type { PartitionPosition } from '../../port.js';
import { asDormouseError, protocolError } from './kafka-error.js';
import type { KafkaSettings } from './kafka-options.js';
import type { Ownership } from './ownership.js';

/** The coordinator's words for "your generation is over": is the partition still ours? The next join tells. */
const STALE = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS']);

/**
 * Commits of one member.
 *
 * The coordinator takes a commit of any member of the current generation, for any partition, its own or not; so the
 * check is ours. It is made in the tick in which kafkajs puts the generation into the request, and in a macrotask of
 * its own: within a join there are microtasks in which kafkajs has the new generation and we don't know of it yet.
 * A request that is made before a join and arrives after it is refused for its generation.
 *
 * The consumer's `commitOffsets` isn't used: it repeats what was refused under whatever generation it has by then, and
 * resolves without having written anything while the consumer stops. The function that each batch brings does neither.
 */
export class MemberCommits {
  /** Writes under the generation that kafkajs has at the call. Undefined until the first batch. */
  closure: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  /** the last generation that a heartbeat told; -1: none yet */
  lastGeneration = -1;
  /** who we are in the current generation; null from a join to the first heartbeat after it */
  private identity: { generation: number; memberId: string } | null = null;
  private readonly underWay = new Set<Promise<unknown>>();
  private stopped = false;

  constructor(
    private readonly topic: string,
    private readonly group: string,
    private readonly settings: KafkaSettings,
    private readonly owned: ReadonlyMap<number, Ownership>,
    private readonly cluster: () => Cluster | undefined,
  ) {}

  joined(): void {
    this.identity = null;
  }

  heartbeat(generation: number, memberId: string): void {
    this.identity = { generation, memberId };
    this.lastGeneration = generation;
  }

  /** No commit begins any more, and none is repeated. */
  stop(): void {
    this.stopped = true;
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }

  commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    const result = this.write(positions);
    this.underWay.add(result);
    void result.catch(() => undefined).finally(() => this.underWay.delete(result));
    return result;
  }

  private async write(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'> {
    const asked = positions.map((position) => ({ position, ownership: this.owned.get(position.partition) }));
    const end = performance.now() + this.settings.sessionTimeoutMs;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const ours = asked.filter(
        ({ position, ownership }) =>
          ownership !== undefined && this.owned.get(position.partition) === ownership,
      );
      if (ours.length === 0 && asked.length > 0) return 'fenced';
      try {
        const sent = this.send(ours.map(({ position }) => position));
        if (sent !== null) {
          await sent;
          return ours.length === asked.length ? 'committed' : 'fenced';
        }
      } catch (error) {
        const type = protocolError(error);
        if (type === undefined || !STALE.has(type))
          throw asDormouseError(error, `commit for group ${this.group}`);
      }
      // what is kept over the join is committed under the new generation
      if (this.stopped || performance.now() > end) return 'fenced';
      await new Promise((resolve) => setTimeout(resolve, this.settings.heartbeatMs / 2));
    }
  }

  /** Synchronous up to the request; null when it can't be made yet. */
  private send(positions: readonly PartitionPosition[]): Promise<void> | null {
    const partitions = positions.map(({ partition, offset, metadata }) => ({
      partition,
      offset: String(offset),
      metadata,
    }));
    const topics = [{ topic: this.topic, partitions }];
    if (positions.length === 0) return Promise.resolve();
    if (this.stopped) throw new DormouseError('closed', 'expected an open subscription, but it was closed');
    if (this.closure !== undefined) return this.closure({ topics });
    // no record has come yet: the same request, made by hand
    const { identity } = this;
    const cluster = this.cluster();
    if (identity === null || cluster === undefined) return null;
    return cluster
      .findGroupCoordinator({ groupId: this.group })
      .then((coordinator) =>
        coordinator.offsetCommit({
          groupId: this.group,
          groupGenerationId: identity.generation,
          memberId: identity.memberId,
          topics,
        }),
      )
      .then(() => undefined);
  }
}
