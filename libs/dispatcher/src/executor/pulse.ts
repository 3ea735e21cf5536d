import { backgroundTimers, type Timers } from '#transport';
import type { Clock } from '../clock.js';

/** Something that has to be looked at now and then while it is under way. */
export interface Beating {
  /** @param now of the monotonic clock, ms */
  beat(now: number): void;
}

const EVERY_MS = 20;

interface Sleeper extends Beating {
  refuse: (error: Error) => void;
}

/**
 * The one timer of a dispatcher process: timeouts, renewals and waits are all looked at by it, every 20 ms while there
 * is anything to look at. Thousands of runs then cost no timer of their own, and a deadline is met to 20 ms.
 */
export class Pulse {
  private readonly watched = new Set<Beating>();
  private readonly sleepers = new Set<Sleeper>();
  private timer: unknown;
  private closed: Error | undefined;

  constructor(
    readonly clock: Clock,
    private readonly everyMs = EVERY_MS,
    private readonly timers: Timers = backgroundTimers,
  ) {}

  watch(beating: Beating): void {
    this.watched.add(beating);
    if (this.timer === undefined) this.arm();
  }

  leave(beating: Beating): void {
    this.watched.delete(beating);
  }

  /** Resolves when `ms` have passed; rejects when the sleepers are woken. */
  sleep(ms: number): Promise<void> {
    return this.until(() => false, ms);
  }

  /** Resolves when the condition holds or `ms` have passed; rejects when the sleepers are woken. */
  until(condition: () => boolean, ms: number): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    const end = this.clock.monotonic() + ms;
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = {
        beat: (now) => {
          if (now < end && !condition()) return;
          this.forget(sleeper);
          resolve();
        },
        refuse: (error) => {
          this.forget(sleeper);
          reject(error);
        },
      };
      this.sleepers.add(sleeper);
      this.watch(sleeper);
    });
  }

  /** Whoever sleeps is woken with this error, and whoever comes. What is watched goes on being watched. */
  wakeSleepers(error: Error): void {
    this.closed = error;
    for (const sleeper of [...this.sleepers]) sleeper.refuse(error);
  }

  stop(): void {
    this.watched.clear();
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
  }

  private forget(sleeper: Sleeper): void {
    this.sleepers.delete(sleeper);
    this.watched.delete(sleeper);
  }

  private arm(): void {
    this.timer = this.timers.set(() => {
      this.timer = undefined;
      this.tick();
    }, this.everyMs);
  }

  private tick(): void {
    if (this.watched.size === 0) return;
    this.arm();
    const now = this.clock.monotonic();
    // a beat may take itself or others out, which a Set's iteration allows
    for (const beating of this.watched) beating.beat(now);
  }
}
