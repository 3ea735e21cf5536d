import { DormouseError } from '#contracts';
import type { LogRecord, OutboundRecord, PartitionPosition, Position, TopicSpec } from '#transport';

/** A partition that is somebody's, and the how manieth ownership of it that is: a commit of an earlier one is fenced. */
export interface Ownership extends PartitionPosition {
  epoch: number;
}

/** What a group's coordinator knows of a member. */
export interface GroupMember {
  /** These are its own from now on. */
  given(ownerships: readonly Ownership[]): void;
  /** These aren't any more. */
  taken(partitions: readonly number[]): void;
}

/** A group's share in a topic: who has which partition, and how far it is. */
export class LogGroup {
  readonly members: GroupMember[] = [];
  readonly owners: (GroupMember | null)[];
  readonly positions: Position[];
  private readonly epochs: number[];
  /** chooses, of all orders of the members, the one by which partitions are dealt out */
  private turn = 0;

  constructor(partitions: number) {
    this.owners = Array.from({ length: partitions }, () => null);
    this.epochs = Array.from({ length: partitions }, () => 0);
    this.positions = Array.from({ length: partitions }, () => ({ offset: 0, metadata: '' }));
  }

  join(member: GroupMember): void {
    if (this.members.includes(member)) return;
    this.members.push(member);
    this.deal();
  }

  leave(member: GroupMember): void {
    const at = this.members.indexOf(member);
    if (at < 0) return;
    this.members.splice(at, 1);
    this.deal();
  }

  /** Deals the partitions out anew, to others than before. */
  rebalance(): void {
    this.turn++;
    this.deal();
  }

  /** @returns false: a partition of them isn't the member's (any more); of those nothing was written */
  commit(member: GroupMember, ownerships: readonly Ownership[]): boolean {
    let owned = true;
    for (const { partition, offset, metadata, epoch } of ownerships) {
      if (this.owners[partition] === member && this.epochs[partition] === epoch)
        this.positions[partition] = { offset, metadata };
      else owned = false;
    }
    return owned;
  }

  private deal(): void {
    const taken = new Map<GroupMember, number[]>();
    const given = new Map<GroupMember, number[]>();
    this.owners.forEach((before, partition) => {
      const { length } = this.members;
      const owner = length === 0 ? undefined : this.members[(partition + this.turn) % length];
      const after = owner ?? null;
      if (after === before) return;
      this.owners[partition] = after;
      this.epochs[partition] = (this.epochs[partition] ?? 0) + 1;
      if (before !== null) taken.set(before, [...(taken.get(before) ?? []), partition]);
      if (after !== null) given.set(after, [...(given.get(after) ?? []), partition]);
    });
    for (const [member, partitions] of taken) member.taken(partitions);
    for (const [member, partitions] of given)
      member.given(
        partitions.map((partition) => ({
          partition,
          epoch: this.epochs[partition] ?? 0,
          ...(this.positions[partition] ?? { offset: 0, metadata: '' }),
        })),
      );
  }
}

interface Topic {
  partitions: LogRecord[][];
  groups: Map<string, LogGroup>;
  /** who wants to know that it grew */
  readers: Set<() => void>;
}

/** Any partition will do, as long as a key always has the same one. */
const partitionOf = (key: string, partitions: number): number => {
  let hash = 7;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash >>> 0) % partitions;
};

/** The topics of a simulated log. */
export class LogRows {
  private readonly topics = new Map<string, Topic>();

  /** @param now the server's clock */
  constructor(readonly now: () => number) {}

  make({ topic, partitions }: TopicSpec): void {
    if (this.topics.has(topic)) return;
    if (!Number.isInteger(partitions) || partitions < 1)
      throw new DormouseError(
        'invalid_request',
        `topic ${topic}: expected a whole number of partitions from 1 on, got ${partitions}`,
      );
    this.topics.set(topic, {
      partitions: Array.from({ length: partitions }, () => []),
      groups: new Map(),
      readers: new Set(),
    });
  }

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  /** Errors: `invalid_request`: no such topic */
  topic(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic === undefined)
      throw new DormouseError('invalid_request', `expected a topic that exists, got ${JSON.stringify(name)}`);
    return topic;
  }

  group(topic: string, name: string): LogGroup {
    const { groups, partitions } = this.topic(topic);
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = new LogGroup(partitions.length)));
    return group;
  }

  append(records: readonly OutboundRecord[]): void {
    const grown = new Set<Topic>();
    for (const { topic: name, key, value, headers = {} } of records) {
      const topic = this.topic(name);
      const partition = partitionOf(key, topic.partitions.length);
      const log = topic.partitions[partition];
      log?.push({
        topic: name,
        partition,
        offset: log.length,
        key,
        value,
        headers: Object.fromEntries(
          Object.entries(headers).map(([header, text]) => [header.toLowerCase(), text]),
        ),
        timestampMs: this.now(),
      });
      grown.add(topic);
    }
    for (const { readers } of grown) for (const grow of readers) grow();
  }
}
