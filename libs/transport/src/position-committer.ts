import type { PartitionPosition, Subscription } from './port.js';
import type { Timers } from './timers.js';

/** What a commit is made from, and who is told how it ended. */
export interface CommitSource {
  /** What is to be committed now; each is followed up by `committed` or `refused`, unless it was lost meanwhile. */
  take(): PartitionPosition[];
  /** False: its partition was lost since it was taken. */
  stillOurs(position: PartitionPosition): boolean;
  committed(positions: readonly PartitionPosition[]): void;
  /** Not written, or not known to be: to be tried again. `error` is absent when the log said `fenced`. */
  refused(positions: readonly PartitionPosition[], error?: unknown): void;
}

/** After failures in a row the interval doubles up to this. */
const MAX_INTERVAL_MS = 5_000;
/** The last commit before leaving is worth a few tries; each costs at most one interval. */
const FINAL_TRIES = 3;

/**
 * Decides when positions are committed: `intervalMs` after the first change, or `idleMs` after the work ran out. One
 * commit is under way at a time.
 */
export class PositionCommitter {
  private timer: unknown = null;
  private dueMs = Infinity;
  private underWay: Promise<boolean> | null = null;
  private failures = 0;
  /** after a fence: one partition per call, so that the one that is fenced doesn't hold up the others */
  private apart = false;
  private stopped = false;
  /** something changed while a commit was under way */
  private touched = false;

  constructor(
    private readonly source: CommitSource,
    private readonly subscription: () => Subscription | null,
    private readonly timers: Timers,
    private readonly intervalMs: number,
    private readonly idleMs: number,
  ) {}

  /** There is something to commit. Costs nothing when that is known. */
  touch(): void {
    if (this.timer !== null) return;
    if (this.underWay !== null) this.touched = true;
    else this.arm(Math.min(MAX_INTERVAL_MS, this.intervalMs * 2 ** this.failures));
  }

  /** Nothing is left to do: what is to be committed is committed soon. */
  idle(): void {
    if (this.timer === null || this.failures > 0) return;
    if (this.dueMs > this.timers.now() + this.idleMs) this.arm(this.idleMs);
  }

  /** The last commit. Resolves when it is done, or was tried often enough. */
  async finish(): Promise<void> {
    this.stop();
    if (this.underWay !== null) await this.underWay;
    for (let attempt = 1; !(await this.commit()) && attempt < FINAL_TRIES; attempt++) {
      await new Promise<void>((resolve) => {
        this.timers.set(resolve, this.intervalMs);
      });
    }
  }

  /** No commit begins from now on, except by `finish`. */
  stop(): void {
    this.stopped = true;
    this.disarm();
  }

  private arm(delayMs: number): void {
    if (this.stopped) return;
    this.disarm();
    this.dueMs = this.timers.now() + delayMs;
    this.timer = this.timers.set(() => {
      this.disarm();
      this.underWay = this.commit().then((clean) => {
        this.underWay = null;
        if (!clean || this.touched) {
          this.touched = false;
          this.touch();
        }
        return clean;
      });
    }, delayMs);
  }

  private disarm(): void {
    if (this.timer !== null) this.timers.clear(this.timer);
    this.timer = null;
    this.dueMs = Infinity;
  }

  /** True when everything was written. Never rejects. */
  private async commit(): Promise<boolean> {
    const subscription = this.subscription();
    if (subscription === null) return false;
    const positions = this.source.take();
    if (positions.length === 0) return true;
    let clean = true;
    let fenced = false;
    for (const part of this.apart ? positions.map((p) => [p]) : [positions]) {
      if (this.apart && !part.every((p) => this.source.stillOurs(p))) continue;
      try {
        if ((await subscription.commit(part)) === 'committed') this.source.committed(part);
        else {
          clean = false;
          fenced = true;
          this.source.refused(part);
        }
      } catch (error) {
        clean = false;
        this.source.refused(part, error);
      }
    }
    this.apart = fenced;
    this.failures = clean ? 0 : this.failures + 1;
    return clean;
  }
}
