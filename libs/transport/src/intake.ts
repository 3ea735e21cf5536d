import type { Load, PartitionQueue } from './partition-queue.js';

/** How much that isn't begun may lie in memory before partitions are paused; they go on below half of it. */
export type IntakeBudget = Load;

/** From this part of the metadata on, no new offsets are admitted: what is still queued needs room, too. */
const CROWDED = 0.75;
const RELIEVED = 0.5;

/**
 * Decides which partitions are paused. A partition is, while
 * - a key's queue in it is full, or
 * - all of them together are over the budget, and it holds its share of it or more, or
 * - what is finished above its low watermark nearly fills the metadata of a commit.
 * Each has an upper and a lower mark, so that a partition doesn't flutter.
 */
export class Intake {
  private overBudget = 0;
  private stopped = false;

  constructor(
    private readonly load: Load,
    private readonly budget: IntakeBudget,
    private readonly tell: (partition: number, paused: boolean) => void,
  ) {}

  /** Nothing more is taken in: every partition that is reviewed from now on is paused. */
  stop(): void {
    this.stopped = true;
  }

  /** Call it when records have come, and while the partition is paused whenever some were begun or finished. */
  review(queue: PartitionQueue, heldPartitions: number): void {
    this.weigh(queue, heldPartitions);
    const pause = this.stopped || queue.fullLanes > 0 || queue.overBudget || queue.crowded;
    if (pause === queue.paused) return;
    queue.paused = pause;
    this.tell(queue.partition, pause);
  }

  /** True when partitions that were paused for the budget may go on: review them. */
  get relieved(): boolean {
    return this.overBudget > 0 && this.part(this.load) <= RELIEVED;
  }

  forget(queue: PartitionQueue): void {
    if (queue.overBudget) this.overBudget--;
  }

  private weigh(queue: PartitionQueue, heldPartitions: number): void {
    const share = 1 / Math.max(1, heldPartitions);
    const all = this.part(this.load);
    const own = this.part({ records: queue.queued, bytes: queue.queuedBytes });
    const over = queue.overBudget ? all > RELIEVED && own > share * RELIEVED : all >= 1 && own >= share;
    if (over !== queue.overBudget) {
      queue.overBudget = over;
      this.overBudget += over ? 1 : -1;
    }
    const { tracker } = queue;
    // with nothing unfinished here, only new records can empty the metadata
    queue.crowded =
      tracker !== null &&
      tracker.unfinished > 0 &&
      tracker.metadataLoad >= (queue.crowded ? RELIEVED : CROWDED);
  }

  private part(load: Load): number {
    return Math.max(load.records / this.budget.records, load.bytes / this.budget.bytes);
  }
}
