import {
  DEFAULT_RETRY,
  DEFAULT_TIMEOUT_MS,
  type EffectClass,
  type JsonObject,
  repeatable,
  type RetryPolicy,
} from '#contracts';
import type { DispatcherOptions } from '../dispatcher.options.js';
import type { RegisteredTool } from '../registry/registered.tool.js';
import type { Attempt } from './attempt.js';
import type { AbortCause } from './ending.js';
import type { Intent } from './intent.js';
import type { LeaseSignal } from './lease.js';
import type { ClaimLease } from './lease.keeper.js';
import type { RunTimes } from './outcomes.js';
import type { Beating } from './pulse.js';
import type { Slot } from './tool.slots.js';

/** What has to happen to a run while it is under way. */
export interface RunWatch {
  /** It runs without a claim for a third of a lease by now. */
  runsLong(run: IntentRun): void;
  /** It has held its record for a minute. */
  holdsLong(run: IntentRun): void;
}

/** From here on an intent's claim is its journal, and its record is acknowledged: a partition isn't held for longer. */
export const DEFAULT_HOLD_MS = 60_000;

/** One intent under way in this process, from its delivery to its end. */
export class IntentRun implements Beating {
  readonly effect: EffectClass;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  /** runs that ended by themselves, earlier owners' included */
  attempts = 0;
  lease: ClaimLease | undefined;
  attempt: Attempt | undefined;
  /** somebody may have begun to run it, here or elsewhere */
  begun = false;
  /** its tool is at it: only then a claim is taken for a long run */
  underWay = false;
  /** a place in flight is ours */
  placed = false;
  /** one of its tool's slots is ours */
  slot: Slot | undefined;
  /** the claim that a long pure run is asking for */
  lateClaim: Promise<void> | undefined;
  handedOver = false;
  over = false;
  /** somebody else holds the claim that was ours */
  lostClaim = false;
  /** the latest attempt whose end was counted */
  counted: Attempt | undefined;
  startedAt: number;
  /** ms since the epoch */
  readonly firstSeenAt: number;
  /** resolves the record's promise before the run is over */
  finishRecord: () => void = () => undefined;
  refuseRecord: (error: unknown) => void = () => undefined;
  /** when the latest run began, by the monotonic clock */
  begunAt: number | undefined;
  /** owners that died over it since its claim carries it on */
  deaths = 0;
  readonly holdMs: number;
  private readonly leaseMs: number;
  private longTold = false;
  private handOverAt: number;

  constructor(
    readonly intent: Intent,
    readonly tool: RegisteredTool | undefined,
    private readonly watch: RunWatch,
    { leaseMs, holdMs = DEFAULT_HOLD_MS }: Pick<DispatcherOptions, 'leaseMs' | 'holdMs'>,
    monotonicNow: number,
    now: number,
  ) {
    this.leaseMs = leaseMs;
    this.holdMs = holdMs;
    const parameters: JsonObject = intent.parameters;
    // what nobody knows is treated the cautious way
    const own = tool?.effectOf(parameters) ?? 'irreversible';
    this.effect = repeatable(own) && intent.heldTo === 'compensatable' ? 'compensatable' : own;
    this.retry = tool?.retryFor(intent.compensates !== undefined) ?? DEFAULT_RETRY;
    this.timeoutMs = tool?.spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.handOverAt = monotonicNow + holdMs;
    this.firstSeenAt = now;
    this.startedAt = now;
  }

  get repeatable(): boolean {
    return repeatable(this.effect);
  }

  /** Its claim tells when it was begun: what may not run twice, and what is to be begun in time or not at all. */
  get marksStart(): boolean {
    return !this.repeatable || (this.effect !== 'pure' && this.tool?.spec.queueTtlMs !== undefined);
  }

  begins(attempt: Attempt, monotonicNow: number, now: number): void {
    this.begun = true;
    this.underWay = true;
    this.attempt = attempt;
    this.startedAt = now;
    this.begunAt = monotonicNow;
  }

  /** @param monotonicNow undefined: it never ran */
  times(monotonicNow: number): RunTimes {
    return {
      attempts: this.attempts,
      startedAt: this.startedAt,
      durationMs: this.begunAt === undefined ? 0 : monotonicNow - this.begunAt,
    };
  }

  /** Takes the lease, and hears from it. What it said before counts too. */
  holds(lease: ClaimLease): void {
    this.lease = lease;
    lease.onSignal = (signal) => {
      this.heard(signal);
    };
    if (lease.signal !== undefined) this.heard(lease.signal);
  }

  private heard(signal: LeaseSignal): void {
    if (signal === 'lost') this.lostClaim = true;
    this.abort(signal);
  }

  letGo(): void {
    this.lease?.release();
    this.lease = undefined;
  }

  freeSlot(): void {
    this.slot?.giveBack();
    this.slot = undefined;
  }

  /** The handing over didn't work; it is tried again after `ms`. */
  handsOverLater(monotonicNow: number, ms: number): void {
    this.handedOver = false;
    this.handOverAt = monotonicNow + ms;
  }

  abort(cause: AbortCause): void {
    this.attempt?.abort(cause);
  }

  beat(now: number): void {
    this.attempt?.beat(now);
    if (
      this.underWay &&
      !this.longTold &&
      this.lease === undefined &&
      this.begunAt !== undefined &&
      now - this.begunAt >= this.leaseMs / 3
    ) {
      this.longTold = true;
      this.watch.runsLong(this);
    }
    if (!this.handedOver && this.lease !== undefined && now >= this.handOverAt) {
      this.handedOver = true;
      this.watch.holdsLong(this);
    }
  }
}
