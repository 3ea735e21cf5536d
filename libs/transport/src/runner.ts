import { type Backoff, retryDelayMs } from './backoff.js';
import type { RecordHandler } from './consumer-options.js';
import type { DeliveredRecord, Delivery } from './delivery.js';
import type { KeyLane } from './key-lane.js';
import type { PartitionQueue } from './partition-queue.js';
import { RetryQueue } from './retry-queue.js';
import type { Timers } from './timers.js';

interface Failed {
  queue: PartitionQueue;
  lane: KeyLane;
  job: DeliveredRecord;
}

/** What the consumer wants to know of the runner. */
export interface RunnerEvents {
  /** A lane was taken from the queue's line. */
  begun(queue: PartitionQueue): void;
  /** More of the queue's partition is finished than before. */
  finished(queue: PartitionQueue): void;
  /** Nothing runs. */
  idle(): void;
  failed?: ((error: unknown, delivery: Delivery, delayMs: number) => void) | undefined;
}

/**
 * Hands records to the handler: at most `maxInFlight` at a time, partitions in turn. A failed one holds no place while
 * it waits for its next try.
 */
export class Runner {
  inFlight = 0;
  finished = 0;
  repeated = 0;
  /** ms since the epoch */
  lastFinishedAt: number;
  private stopped = false;
  private readonly round: PartitionQueue[] = [];
  private beginning = false;
  private readonly retries: RetryQueue<Failed>;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly handler: RecordHandler,
    readonly maxInFlight: number,
    private readonly backoff: Backoff,
    private readonly timers: Timers,
    private readonly random: () => number,
    private readonly events: RunnerEvents,
  ) {
    this.lastFinishedAt = timers.now();
    this.retries = new RetryQueue(timers, (due) => {
      this.repeat(due);
    });
  }

  /** Begins nothing more; what runs goes on. */
  stop(): void {
    this.stopped = true;
    this.retries.clear();
  }

  /** The queue's partition takes part in the round while it has lanes in line. */
  enter(queue: PartitionQueue): void {
    if (queue.inRound || !queue.hasReady) return;
    queue.inRound = true;
    this.round.push(queue);
  }

  /** Fills the free places. A handler that ends at once may lead back here, and finds the loop at work already. */
  begin(): void {
    if (this.beginning) return;
    this.beginning = true;
    while (!this.stopped && this.inFlight < this.maxInFlight) {
      const queue = this.round.shift();
      if (queue === undefined) break;
      queue.inRound = false;
      const lane = queue.take();
      this.enter(queue);
      if (lane === null) continue;
      this.events.begun(queue);
      if (lane.current !== null) this.deliver(queue, lane, lane.current);
    }
    this.beginning = false;
    if (this.inFlight === 0) this.becameIdle();
  }

  /** Resolves when nothing runs, or after `ms`. */
  idleWithin(ms: number): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.timers.set(resolve, ms);
      this.whenIdle.push(() => {
        this.timers.clear(timer);
        resolve();
      });
    });
  }

  private deliver(queue: PartitionQueue, lane: KeyLane, job: DeliveredRecord): void {
    this.inFlight++;
    job.deliveries++;
    let result: Promise<void> | undefined;
    try {
      result = this.handler(job.record, job);
    } catch (error) {
      this.fail(queue, lane, job, error);
      return;
    }
    if (result === undefined) this.finish(queue, lane, job);
    else {
      result.then(
        () => {
          this.finish(queue, lane, job);
          this.begin();
        },
        (error: unknown) => {
          this.fail(queue, lane, job, error);
          this.begin();
        },
      );
    }
  }

  private finish(queue: PartitionQueue, lane: KeyLane, job: DeliveredRecord): void {
    this.inFlight--;
    this.finished++;
    this.lastFinishedAt = this.timers.now();
    const { tracker } = queue;
    // a partition that was lost and came back: the record may come again, and needn't run again
    if (job.tracker === tracker) tracker.finish(job);
    else tracker?.finishAhead(job.offset);
    queue.release(lane);
    this.enter(queue);
    if (tracker !== null) this.events.finished(queue);
  }

  private fail(queue: PartitionQueue, lane: KeyLane, job: DeliveredRecord, error: unknown): void {
    this.inFlight--;
    if (job.tracker !== queue.tracker) {
      // lost meanwhile: whoever has the partition now runs it
      queue.release(lane);
      this.enter(queue);
      return;
    }
    lane.state = 'waiting';
    queue.waiting++;
    if (this.stopped) return;
    const delayMs = retryDelayMs(this.backoff, job.deliveries, error, this.random());
    this.retries.add({ queue, lane, job }, delayMs);
    this.events.failed?.(error, job, delayMs);
  }

  private repeat(due: Failed[]): void {
    for (const { queue, lane, job } of due) {
      // lost since, and perhaps back with another lane of the same key
      if (lane.state !== 'waiting' || lane.current !== job || job.tracker !== queue.tracker) continue;
      queue.waiting--;
      this.repeated++;
      queue.line(lane);
      this.enter(queue);
    }
    this.begin();
  }

  private becameIdle(): void {
    this.events.idle();
    const waiters = this.whenIdle;
    if (waiters.length === 0) return;
    this.whenIdle = [];
    for (const resolve of waiters) resolve();
  }
}
