import type { Journaled } from '#contracts';

/** A record to be written. */
export interface OutboundRecord {
  topic: string;
  /** the session id: records of one key keep their order */
  key: string;
  value: Buffer;
  headers?: Readonly<Record<string, string>>;
  /** the same as `value`, where that is made from it only when somebody asks: a driver that writes text needs no bytes */
  readonly text?: string;
  /** what `value` says, as an object that nobody changes any more; see {@link TransportCapabilities.handsOver} */
  decoded?: object;
}

/** A record as the log has it. */
export interface LogRecord {
  topic: string;
  partition: number;
  /** position in the partition; below 2^53 */
  offset: number;
  /** null: the writer gave none; such a record is its own key */
  key: string | null;
  /** to be read only: the bytes may be the log's own */
  value: Buffer | null;
  /** how long `value` is, where that is known without it */
  readonly valueBytes?: number;
  /** names in lower case */
  headers: Readonly<Record<string, string>>;
  /** when the log took it, ms */
  timestampMs: number;
  /** what `value` says, if the log still knows it from the publication; to be read only */
  decoded?: object | undefined;
}

/** What a group has acknowledged of one partition. */
export interface Position {
  /** the next offset to read: all below are finished */
  offset: number;
  /** what is finished at and above `offset`, encoded by the consumer (at most {@link TransportCapabilities.maxMetadataBytes}) */
  metadata: string;
}
export interface PartitionPosition extends Position {
  partition: number;
}

export interface TransportCapabilities extends Journaled {
  driver: string;
  durability: 'process' | 'power';
  /** several processes may join a group */
  shared: boolean;
  /** a record that was published in this process may come to its consumers with what it was encoded from */
  handsOver?: boolean;
  /** longest metadata of a committed position */
  maxMetadataBytes: number;
  /** largest record value accepted by `publish` */
  maxRecordBytes: number;
}

/**
 * What a driver tells the key-ordered consumer. All three return at once and never wait for work.
 */
export interface Feed {
  /** These partitions are ours from now on; reading begins at `offset`. */
  assigned(partitions: readonly PartitionPosition[]): void;
  /** These aren't any more: nothing may be committed for them. */
  lost(partitions: readonly number[]): void;
  /** In order of offset within the partition; may repeat records (after a rejoin), never leaves one out. */
  records(partition: number, records: readonly LogRecord[]): void;
  /** The subscription is dead and will not come back by itself. */
  failed(error: Error): void;
}

/** A membership of a group on one topic. */
export interface Subscription {
  /**
   * No more records of these partitions until `resume`, or until they are lost; records already on their way may still
   * come. Like `resume` it may be called from within a feed call.
   */
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  /**
   * Durable when resolved with `committed`. `fenced`: a partition of them isn't ours any more, and for it nothing was
   * written (others of the same call may have been).
   */
  commit(positions: readonly PartitionPosition[]): Promise<'committed' | 'fenced'>;
  /** Leaves the group; no feed call follows. What isn't committed goes to the next member. */
  close(): Promise<void>;
}

export interface TopicSpec {
  topic: string;
  /** used when the topic doesn't exist yet */
  partitions: number;
  /** the same; how long its records are kept, ms. Absent: as the driver has it set */
  retentionMs?: number;
}

/** A topic as the log has it now. */
export interface TopicDescription {
  topic: string;
  /** 0: there is no such topic */
  partitions: number;
  /** copies that the log keeps of each record; of the partition that has the fewest */
  replicas: number;
  /** so many of them have a record before it is acknowledged; null: we may not ask */
  leastReplicas: number | null;
  /** `Infinity`: for ever; null: we may not ask */
  retentionMs: number | null;
  /** the largest batch that it takes; null: we may not ask */
  maxBatchBytes: number | null;
  /** earlier records of a key are dropped; null: we may not ask */
  compacted: boolean | null;
}

/** How far a group is behind, per partition. */
export interface GroupLag {
  topic: string;
  partition: number;
  /** the next offset that the log will give */
  end: number;
  /** the group's low watermark */
  committed: number;
}

/**
 * A partitioned, ordered, durable log with consumer groups.
 *
 * Promises
 * - `publish` resolves when the log has acknowledged every record; a rejected one may be there or not, whole or in part. Publishing again is safe: ids make it so.
 * - Records of one key go to one partition, in the order of the `publish` calls (and of the records within one).
 * - A group gets every record at least once: what isn't committed comes again after a crash, a rejoin or a close.
 * - One partition has one member of a group at a time, as far as the driver knows; a member that was replaced can't commit for it.
 * Not promised: exactly once; order between keys; that a replaced member has noticed.
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`, `invalid_request` (a record too large, an unknown topic).
 */
export abstract class Transport {
  abstract readonly capabilities: TransportCapabilities;
  /** Connects, and makes topics that don't exist yet. */
  abstract start(topics: readonly TopicSpec[]): Promise<void>;
  /** How the topics are set, in their order. May be asked before {@link start}, and makes none. */
  abstract describe(topics: readonly string[]): Promise<TopicDescription[]>;
  abstract publish(records: readonly OutboundRecord[]): Promise<void>;
  /** Joins `group` on `topic`. A group that is new begins at the first record that the log still has. */
  abstract subscribe(topic: string, group: string, feed: Feed): Promise<Subscription>;
  abstract lag(topic: string, group: string): Promise<GroupLag[]>;
  /** How many members the group has on the topic, in all processes; one that died counts until that is noticed. */
  abstract members(topic: string, group: string): Promise<number>;
  /** How long the log keeps a record, ms, as the topic is set now. `Infinity`: for ever; null: we may not ask. */
  abstract retentionMs(topic: string): Promise<number | null>;
  abstract ping(): Promise<void>;
  /** Subscriptions are closed first by whoever made them. */
  abstract close(): Promise<void>;
}
