import { DormouseError } from '#contracts';
import { DEFAULT_BACKOFF } from './backoff.js';
import type { ConsumerStats, KeyOrderedConsumerOptions } from './consumer-options.js';
import { DeliveredRecord } from './delivery.js';
import { Intake } from './intake.js';
import { type LaneLimits, PartitionQueue } from './partition-queue.js';
import { PartitionTracker } from './partition-tracker.js';
import type { Feed, LogRecord, PartitionPosition, Subscription } from './port.js';
import { PositionCommitter } from './position-committer.js';
import { Runner } from './runner.js';
import { systemTimers } from './timers.js';

const MIB = 1024 * 1024;

/**
 * Runs the records of a topic for a group: many keys at once, one key in order.
 *
 * Promises
 * - A record isn't begun before the ones of its key below it are finished.
 * - At most `maxInFlight` handlers run; partitions take turns, and so do the keys within one.
 * - A position is committed only when every record below it is finished; its metadata says what is finished above.
 * - A lost partition: what runs goes on and is forgotten at its end, what isn't begun is dropped, nothing is committed.
 *   A record that comes back while its handler still runs isn't handed over a second time.
 * - After `drain` nothing that was finished comes again (as far as the last commit was accepted).
 * Not promised: that a record is handed over only once. After a crash, what was in flight or finished since the last
 * commit comes again.
 */
export class KeyOrderedConsumer implements Feed {
  private readonly queues = new Map<number, PartitionQueue>();
  private readonly load = { records: 0, bytes: 0 };
  private readonly laneLimits: LaneLimits;
  private readonly intake: Intake;
  private readonly runner: Runner;
  private readonly committer: PositionCommitter;
  private subscription: Subscription | null = null;
  private starting: Promise<void> | null = null;
  private leaving: Promise<void> | null = null;
  /** nothing is begun any more: drained or dead */
  private stopped = false;
  private dead: Error | null = null;
  private held = 0;
  private readonly counts = { skipped: 0, commits: 0, fenced: 0, commitFailures: 0 };

  constructor(private readonly options: KeyOrderedConsumerOptions) {
    const perKey = options.maxQueuedPerKey ?? 64;
    const maxInFlight = options.maxInFlight ?? 256;
    const timers = options.timers ?? systemTimers;
    this.laneLimits = {
      full: perKey,
      relieved: Math.floor(perKey / 2),
      keyed: (options.order ?? 'key') === 'key',
    };
    const budget = {
      records: options.maxQueued ?? 2 * maxInFlight,
      bytes: options.maxQueuedBytes ?? 64 * MIB,
    };
    this.intake = new Intake(this.load, budget, (partition, paused) => {
      if (paused) this.subscription?.pause([partition]);
      else this.subscription?.resume([partition]);
    });
    this.runner = new Runner(
      options.handler,
      maxInFlight,
      options.backoff ?? DEFAULT_BACKOFF,
      timers,
      options.random ?? Math.random,
      {
        begun: (queue) => {
          if (queue.paused) this.intake.review(queue, this.held);
          if (this.intake.relieved) this.reviewAll();
        },
        finished: (queue) => {
          queue.dirty = true;
          if (queue.crowded) this.intake.review(queue, this.held);
          this.committer.touch();
        },
        idle: () => {
          this.committer.idle();
        },
        failed: options.onRetry,
      },
    );
    this.committer = new PositionCommitter(
      {
        take: () => this.takePositions(),
        stillOurs: (position) => this.queues.get(position.partition)?.stillOwns(position) ?? false,
        committed: (positions) => {
          this.settle(positions, true);
          this.counts.commits++;
        },
        refused: (positions, error) => {
          this.settle(positions, false);
          if (error === undefined) this.counts.fenced++;
          else this.counts.commitFailures++;
        },
      },
      () => (this.dead === null ? this.subscription : null),
      timers,
      options.commitIntervalMs ?? 250,
      options.idleCommitMs ?? 20,
    );
  }

  /** Joins the group. Call it once. */
  async start(): Promise<void> {
    if (this.starting !== null || this.leaving !== null) {
      throw new DormouseError(
        'closed',
        'a consumer is started once, and not after it was drained; make a new one',
      );
    }
    this.starting = this.join();
    await this.starting;
  }

  /** Joined, and neither dead nor leaving. */
  get ready(): boolean {
    return this.subscription !== null && !this.stopped;
  }

  /** The partitions that are ours. */
  get owned(): number[] {
    return [...this.queues.values()].filter((q) => q.tracker !== null).map((q) => q.partition);
  }

  get stats(): ConsumerStats {
    const queues = [...this.queues.values()];
    return {
      topic: this.options.topic,
      group: this.options.group,
      partitions: this.held,
      paused: queues.filter((q) => q.tracker !== null && q.paused).length,
      inFlight: this.runner.inFlight,
      maxInFlight: this.runner.maxInFlight,
      queued: this.load.records,
      waiting: queues.reduce((sum, q) => sum + q.waiting, 0),
      finished: this.runner.finished,
      retries: this.runner.repeated,
      ...this.counts,
      lastProgressAt: this.runner.lastFinishedAt,
      dead: this.dead,
    };
  }

  /**
   * Begins nothing more, lets what runs end for `graceMs`, then aborts it, commits and leaves the group. What wasn't
   * begun, or didn't end, comes to the next member. Called again, it is the same drain.
   */
  drain(graceMs: number): Promise<void> {
    this.leaving ??= this.leave(graceMs);
    return this.leaving;
  }

  assigned(partitions: readonly PartitionPosition[]): void {
    this.options.onAssigned?.(partitions);
    for (const { partition, offset, metadata } of partitions) {
      const queue = this.queueOf(partition);
      if (queue.tracker !== null) this.lose(queue);
      queue.own(
        new PartitionTracker({ offset, metadata }, this.options.transport.capabilities.maxMetadataBytes),
        {
          offset,
          metadata,
        },
      );
      this.held++;
      // a driver may keep a pause over the loss; and when we are leaving, a new partition is paused at once
      this.intake.review(queue, this.held);
    }
  }

  lost(partitions: readonly number[]): void {
    this.options.onLost?.(partitions);
    for (const partition of partitions) {
      const queue = this.queues.get(partition);
      if (queue !== undefined && queue.tracker !== null) this.lose(queue);
    }
  }

  records(partition: number, records: readonly LogRecord[]): void {
    const queue = this.queues.get(partition);
    // what isn't admitted stays unfinished, and comes again
    if (queue === undefined || queue.tracker === null || this.stopped) return;
    for (const record of records) this.admit(queue, queue.tracker, record);
    this.runner.enter(queue);
    this.runner.begin();
    this.intake.review(queue, this.held);
  }

  failed(error: Error): void {
    if (this.dead !== null) return;
    this.dead = error;
    this.stopped = true;
    this.runner.stop();
    this.committer.stop();
    if (this.leaving === null) this.options.onDead?.(error);
  }

  private async join(): Promise<void> {
    const { transport, topic, group } = this.options;
    const subscription = await transport.subscribe(topic, group, this);
    this.subscription = subscription;
    const paused = [...this.queues.values()]
      .filter((q) => q.tracker !== null && q.paused)
      .map((q) => q.partition);
    if (paused.length > 0) subscription.pause(paused);
  }

  private async leave(graceMs: number): Promise<void> {
    this.stopped = true;
    this.intake.stop();
    this.runner.stop();
    // a join that is under way is waited for, so that it can be left
    await this.starting?.catch(() => undefined);
    this.reviewAll();
    await this.runner.idleWithin(graceMs);
    if (this.runner.inFlight > 0) {
      const reason = new DormouseError('closed', 'the process is shutting down', { retryable: true });
      for (const queue of this.queues.values()) {
        for (const lane of queue.lanes.values()) if (lane.state === 'running') lane.current?.abort(reason);
      }
      await this.runner.idleWithin(this.options.abortedMs ?? 1000);
    }
    if (this.subscription === null) return;
    if (this.dead === null) await this.committer.finish();
    await this.subscription.close();
  }

  private takePositions(): PartitionPosition[] {
    const positions: PartitionPosition[] = [];
    for (const queue of this.queues.values()) {
      const position = queue.takePosition();
      if (position !== null) positions.push(position);
    }
    return positions;
  }

  private settle(positions: readonly PartitionPosition[], committed: boolean): void {
    for (const position of positions) this.queues.get(position.partition)?.settle(position, committed);
  }

  private reviewAll(): void {
    for (const queue of this.queues.values())
      if (queue.tracker !== null) this.intake.review(queue, this.held);
  }

  private queueOf(partition: number): PartitionQueue {
    let queue = this.queues.get(partition);
    if (queue === undefined) {
      queue = new PartitionQueue(partition, this.laneLimits, this.load);
      this.queues.set(partition, queue);
    }
    return queue;
  }

  private lose(queue: PartitionQueue): void {
    this.intake.forget(queue);
    queue.lose();
    this.held--;
  }

  private admit(queue: PartitionQueue, tracker: PartitionTracker, record: LogRecord): void {
    const lane = queue.laneOf(record);
    const running = lane?.current ?? null;
    if (running !== null && running.offset === record.offset && running.tracker !== tracker) {
      // its handler began before the partition was lost: its end will count for the new ownership
      if (tracker.admit(running)) running.tracker = tracker;
      this.counts.skipped++;
      return;
    }
    const job = new DeliveredRecord(record, tracker);
    if (tracker.admit(job)) queue.enqueue(lane, job);
    else {
      this.counts.skipped++;
      // skipping may have moved the watermark
      queue.dirty = true;
      this.committer.touch();
    }
  }
}
