/** Lets everything run that only waits for promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Timer {
  atMs: number;
  order: number;
  run: () => void;
}

/**
 * Timers over a clock that jumps from one to the next: an hour passes in a moment, and always in the same order.
 * Fits the transport's `Timers`.
 */
export class VirtualTime {
  private readonly waiting = new Set<Timer>();
  private made = 0;

  /** @param nowMs where time begins, ms since the epoch */
  constructor(private nowMs = 0) {}

  now(): number {
    return this.nowMs;
  }

  set(run: () => void, delayMs: number): unknown {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), order: this.made++, run };
    this.waiting.add(timer);
    return timer;
  }

  clear(handle: unknown): void {
    this.waiting.delete(handle as Timer);
  }

  /** Resolves `ms` of this time from now. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.set(resolve, ms);
    });
  }

  /** Runs timers, each at its time, until `done` holds, none is left, or `limitMs` have passed. */
  async run(limitMs: number, done: () => boolean = () => false): Promise<void> {
    const end = this.nowMs + limitMs;
    await settle();
    while (!done()) {
      const next = this.earliest();
      if (next === null || next.atMs > end) {
        this.nowMs = end;
        return;
      }
      this.waiting.delete(next);
      this.nowMs = next.atMs;
      next.run();
      await settle();
    }
  }

  private earliest(): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.waiting) {
      if (
        first === null ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}
