import type { DeliveredRecord } from './delivery.js';
import { KeyLane } from './key-lane.js';
import type { PartitionTracker } from './partition-tracker.js';
import type { LogRecord, PartitionPosition, Position } from './port.js';

const bytesOf = (record: LogRecord): number => record.valueBytes ?? record.value?.length ?? 0;

const ownKey = (record: LogRecord): string => `\u0000${String(record.offset)}`;

/** What all partitions together hold that isn't begun. */
export interface Load {
  records: number;
  bytes: number;
}

/**
 * A key's queue may hold so many records before its partition is paused. Reading on would fill memory with records
 * that can't begin, and the finer the pauses, the sooner the other keys of the partition get their turn.
 */
export interface LaneLimits {
  full: number;
  relieved: number;
  /** false: every record is a key of its own */
  keyed: boolean;
}

/**
 * One partition's keys and their line. Outlives a loss of the partition: what runs then ends here, so that a record
 * that comes again meanwhile isn't run beside itself.
 */
export class PartitionQueue {
  /** null: not ours now */
  tracker: PartitionTracker | null = null;
  /** there may be something to commit */
  dirty = false;
  /** what is known to be committed */
  private committed: Position | null = null;
  /** what was taken to be committed; null again when the partition was lost since */
  private taken: PartitionPosition | null = null;

  /** what isn't begun here */
  queued = 0;
  queuedBytes = 0;
  /** lanes whose record failed and waits for its next try */
  waiting = 0;
  /** lanes whose queue is full */
  fullLanes = 0;
  /** holds more than its share while the whole is over its budget */
  overBudget = false;
  /** the metadata is nearly full */
  crowded = false;
  /** what the subscription was told */
  paused = false;

  /** takes part in the runner's round */
  inRound = false;

  readonly lanes = new Map<string, KeyLane>();
  private readyHead: KeyLane | null = null;
  private readyTail: KeyLane | null = null;

  constructor(
    readonly partition: number,
    private readonly limits: LaneLimits,
    private readonly load: Load,
  ) {}

  get hasReady(): boolean {
    return this.readyHead !== null;
  }

  own(tracker: PartitionTracker, committed: Position): void {
    this.tracker = tracker;
    this.committed = committed;
  }

  /** The lane of the record's key, if anything of it is here. */
  laneOf(record: LogRecord): KeyLane | undefined {
    return this.lanes.get(this.keyOf(record));
  }

  /** A record without a key is a key of its own. */
  private keyOf(record: LogRecord): string {
    return this.limits.keyed ? (record.key ?? ownKey(record)) : ownKey(record);
  }

  /** @param found what `laneOf` gave for the record */
  enqueue(found: KeyLane | undefined, job: DeliveredRecord): void {
    let lane = found;
    if (lane === undefined) {
      lane = new KeyLane(this.keyOf(job.record));
      this.lanes.set(lane.key, lane);
    }
    lane.push(job);
    this.count(1, bytesOf(job.record));
    if (lane.queued >= this.limits.full && !lane.full) {
      lane.full = true;
      this.fullLanes++;
    }
    if (lane.state === 'idle') this.line(lane);
  }

  /** Puts a lane at the end of the line. */
  line(lane: KeyLane): void {
    lane.state = 'ready';
    lane.nextReady = null;
    if (this.readyTail === null) this.readyHead = lane;
    else this.readyTail.nextReady = lane;
    this.readyTail = lane;
  }

  /** Takes the first lane of the line; its `current` is running from now on. */
  take(): KeyLane | null {
    const lane = this.readyHead;
    if (lane === null) return null;
    this.readyHead = lane.nextReady;
    if (this.readyHead === null) this.readyTail = null;
    lane.nextReady = null;
    if (lane.current === null) {
      lane.current = lane.shift();
      if (lane.current !== null) this.count(-1, -bytesOf(lane.current.record));
      if (lane.full && lane.queued <= this.limits.relieved) {
        lane.full = false;
        this.fullLanes--;
      }
    }
    lane.state = 'running';
    return lane;
  }

  /** The lane's record is done with: the next one stands in line, or the lane is forgotten. */
  release(lane: KeyLane): void {
    lane.current = null;
    if (lane.queued > 0) this.line(lane);
    else {
      lane.state = 'idle';
      this.lanes.delete(lane.key);
    }
  }

  /** Forgets all but what runs. */
  lose(): void {
    this.tracker = null;
    this.committed = null;
    this.taken = null;
    this.dirty = false;
    this.count(-this.queued, -this.queuedBytes);
    this.waiting = 0;
    this.fullLanes = 0;
    this.overBudget = false;
    this.crowded = false;
    this.readyHead = null;
    this.readyTail = null;
    for (const lane of this.lanes.values()) {
      lane.clearQueue();
      lane.nextReady = null;
      if (lane.state !== 'running') {
        lane.state = 'idle';
        lane.current = null;
        this.lanes.delete(lane.key);
      }
    }
  }

  /** The position to commit, or null when there is nothing new. Follow it up with `settle`. */
  takePosition(): PartitionPosition | null {
    if (this.tracker === null || !this.dirty) return null;
    this.dirty = false;
    const { offset, metadata } = this.tracker.position();
    if (this.committed?.offset === offset && this.committed.metadata === metadata) return null;
    this.taken = { partition: this.partition, offset, metadata };
    return this.taken;
  }

  /** The partition hasn't been lost since the position was taken. */
  stillOwns(position: PartitionPosition): boolean {
    return this.taken === position;
  }

  settle(position: PartitionPosition, committed: boolean): void {
    if (this.taken !== position) return;
    if (committed) this.committed = position;
    else this.dirty = true;
  }

  private count(records: number, bytes: number): void {
    this.queued += records;
    this.queuedBytes += bytes;
    this.load.records += records;
    this.load.bytes += bytes;
  }
}
