import type { Timers } from './timers.js';

/** A successor that finishes nothing, because nothing comes, has lived long enough: one that may not read dies sooner. */
const PROVEN_MS = 60_000;

/**
 * After the death of a subscription another one begins, after a pause, and so on for ever: what ended it, such as a right
 * that was withdrawn, may have been mended. The death is told until the successor has shown that it lives, by a record
 * that it finished or by its age.
 */
export class Succession {
  private death: Error | null = null;
  private begunAt: number | null = null;
  private timer: unknown;

  constructor(
    private readonly pauseMs: number,
    private readonly timers: Timers,
    private readonly begin: () => void,
  ) {}

  /** The subscription died, or couldn't begin. */
  died(error: Error): void {
    this.end();
    this.death = error;
    this.timer = this.timers.set(() => {
      this.begunAt = this.timers.now();
      this.begin();
    }, this.pauseMs);
  }

  /** No other one begins by itself, and there is nothing more to tell. */
  end(): void {
    this.timers.clear(this.timer);
    this.death = null;
    this.begunAt = null;
  }

  /**
   * Why nothing is read, as far as is known; null: nothing is wrong.
   *
   * @param finished records that the present subscription's consumer has finished
   */
  told(finished: number): Error | null {
    const { begunAt } = this;
    if (begunAt !== null && (finished > 0 || this.timers.now() - begunAt >= PROVEN_MS)) this.end();
    return this.death;
  }
}
