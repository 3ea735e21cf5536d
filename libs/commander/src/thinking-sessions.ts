import type { OnApplicationShutdown } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import { SessionStore } from '#state';
import { backgroundTimers, type Timers } from '#transport';
import { COMMANDER_OPTIONS, type CommanderOptions, DEFAULT_CANCEL_POLL_MS } from './commander.options.js';
import { cancelOutstanding } from './core/next-wake.js';

/** A think that is under way. */
export interface UnderWay {
  /** A cancel was asked for: what the brain decides doesn't count any more. */
  cancel(): void;
}

/**
 * The sessions whose brain is thinking in this process, and one timer for all of them that looks whether a cancel was
 * asked for. Nothing is here of a session that sleeps, and no timer runs while none thinks.
 */
@Injectable()
export class ThinkingSessions implements OnApplicationShutdown {
  private readonly underWay = new Map<string, UnderWay>();
  private timer: unknown;
  private readonly pollMs: number;
  private readonly timers: Timers;

  constructor(
    private readonly store: SessionStore,
    @Inject(COMMANDER_OPTIONS) options: CommanderOptions,
  ) {
    this.pollMs = options.cancelPollMs ?? DEFAULT_CANCEL_POLL_MS;
    this.timers = options.timers ?? backgroundTimers;
  }

  get size(): number {
    return this.underWay.size;
  }

  has(sessionId: string): boolean {
    return this.underWay.has(sessionId);
  }

  begin(sessionId: string, think: UnderWay): void {
    this.underWay.set(sessionId, think);
    if (this.timer === undefined) this.arm();
  }

  end(sessionId: string, think: UnderWay): void {
    if (this.underWay.get(sessionId) === think) this.underWay.delete(sessionId);
  }

  onApplicationShutdown(): void {
    this.rest();
  }

  private rest(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
    this.underWay.clear();
  }

  private arm(): void {
    this.timer = this.timers.set(() => void this.look(), this.pollMs);
  }

  /** One look at a time; the next one is so much later. */
  private async look(): Promise<void> {
    await Promise.all(Array.from(this.underWay, ([sessionId, think]) => this.lookAt(sessionId, think)));
    // short thinks come and go: the timer is stopped by its own tick, not by each of them
    if (this.underWay.size === 0) this.timer = undefined;
    else this.arm();
  }

  private async lookAt(sessionId: string, think: UnderWay): Promise<void> {
    // a store that can't be reached is asked again with the next tick
    const snapshot = await this.store.load(sessionId).catch(() => null);
    if (snapshot !== null && cancelOutstanding(snapshot)) think.cancel();
  }
}
