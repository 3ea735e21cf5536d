/** A partition of a topic. (Each topic has one group of ours.) */
export interface PartitionPlace {
  topic: string;
  partition: number;
}

/** What is known of an event that was in flight when a process died. */
export interface DeliveryCount {
  /** names the event, in whichever records of the partition it is: short, plain text */
  event: string;
  /** of the last record that was counted */
  offset: number;
  /** deliveries that were counted, and had no end when the next one was */
  deliveries: number;
  /** children that it killed while it was alone in them */
  kills: number;
  /** it is a dead letter: copies of it that are still in the log aren't run, until it is released */
  convicted: boolean;
}

/** What a process says of itself. */
export interface Instance {
  boot: string;
  /** as configured (`DORMOUSE_INSTANCE`) */
  name: string;
  roles: string[];
  /** its release */
  version: string;
}

export interface Taken {
  /** the process that had the partition before died: it neither stopped in order nor lives */
  died: boolean;
  /** of this partition, from the offset on that was asked for */
  counts: DeliveryCount[];
}

/**
 * Which process reads which partition, and which records processes died over.
 *
 * Promises
 * - What resolved outlives the process. A call may be sent again after a lost reply: a count may then be one too high.
 * - A process that is killed counts as dead as soon as its `beat` is over; one that said `leave` never does.
 * - Counts are forgotten when the partition is taken at a higher offset, convictions (copies of the event may lie
 *   anywhere in the log) after the retention time.
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`.
 */
export abstract class DeliveryLedger {
  /** This process lives, for `ttlMs` from now. A store that one process has alone needs no beat. */
  abstract beat(instance: Instance, ttlMs: number): Promise<void>;
  /** The processes that live; empty where one process has the store alone. */
  abstract instances(): Promise<Instance[]>;
  /** It stops in order: whatever it had in flight ended or was handed back. */
  abstract leave(boot: string): Promise<void>;
  /** The partition is this process's from now on, from `offset` on; counts below are forgotten. */
  abstract take(place: PartitionPlace, boot: string, offset: number): Promise<Taken>;
  /** Adds a delivery to each; durable when resolved. */
  abstract count(
    place: PartitionPlace,
    records: readonly Pick<DeliveryCount, 'event' | 'offset'>[],
  ): Promise<void>;
  /** The counts of a partition, and nothing is changed. */
  abstract counts(place: PartitionPlace): Promise<DeliveryCount[]>;
  /** Adds a killed child to an event that was counted; returns how many it has killed. */
  abstract kill(place: PartitionPlace, event: string): Promise<number>;
  /** The event is a dead letter. */
  abstract convict(place: PartitionPlace, event: string): Promise<void>;
  abstract isConvicted(place: PartitionPlace, event: string): Promise<boolean>;
  /** It is to run again, as if nothing had been. */
  abstract release(place: PartitionPlace, event: string): Promise<void>;
  /** All counts of the partition, but not the convictions. */
  abstract forget(place: PartitionPlace): Promise<void>;
  abstract close(): Promise<void>;
}
