import type { ClaimKey, ClaimStore } from '#idempotency';
import type { Beating, Pulse } from './pulse.js';

const MOST_OFTEN_MS = 1000;

/** When a move was sent, by both clocks. */
export interface SentAt {
  monotonic: number;
  wall: number;
}

/** What a renewal found out. */
export type LeaseSignal = 'cancelled' | 'lost';

/**
 * The lease of one claim of ours, renewed until it is let go. It counts from the sending of the last move that was
 * answered, by the monotonic and by the wall clock; the earlier end wins.
 */
export class Lease implements Beating {
  private sent: SentAt;
  private lastTry: number;
  private renewing = false;
  private released = false;
  private signalled: LeaseSignal | undefined;
  /** set by whoever wants to know at once */
  onSignal: ((signal: LeaseSignal) => void) | undefined;

  constructor(
    private readonly keeper: LeaseKeeper,
    readonly key: ClaimKey,
    readonly token: string,
    sent: SentAt,
  ) {
    this.sent = sent;
    this.lastTry = sent.monotonic;
  }

  /** what a renewal said that can't be taken back */
  get signal(): LeaseSignal | undefined {
    return this.signalled;
  }

  /** Still ours by our own clocks. */
  isLive(): boolean {
    const { clock } = this.keeper.pulse;
    const { leaseMs } = this.keeper;
    return clock.monotonic() < this.sent.monotonic + leaseMs && clock.now() < this.sent.wall + leaseMs;
  }

  /** Ends the renewing; the claim stays as it is. */
  release(): void {
    this.released = true;
    this.onSignal = undefined;
    this.keeper.pulse.leave(this);
  }

  beat(now: number): void {
    if (this.renewing || this.released || now < this.lastTry + this.keeper.everyMs) return;
    // a store that can't be reached is asked again at the next turn; the lease may outlive that
    this.renew().catch(() => undefined);
  }

  /** Asks the store now. Errors: `unavailable`. */
  async renew(): Promise<'held' | LeaseSignal> {
    const sent = this.keeper.sentNow();
    this.lastTry = sent.monotonic;
    this.renewing = true;
    try {
      const reply = await this.keeper.claims.renew(this.key, this.token, this.keeper.leaseMs);
      if (reply !== 'lost') this.sent = sent;
      if (reply !== 'held') this.tell(reply);
      return reply;
    } finally {
      this.renewing = false;
    }
  }

  private tell(signal: LeaseSignal): void {
    if (this.released || this.signalled === signal || this.signalled === 'lost') return;
    this.signalled = signal;
    if (signal === 'lost') this.keeper.pulse.leave(this);
    this.onSignal?.(signal);
  }
}

/** Renews all leases of the process, each every min(lease / 3, 1 s), by the one pulse. */
export class LeaseKeeper {
  readonly everyMs: number;

  constructor(
    readonly claims: ClaimStore,
    readonly pulse: Pulse,
    readonly leaseMs: number,
  ) {
    this.everyMs = Math.min(leaseMs / 3, MOST_OFTEN_MS);
  }

  sentNow(): SentAt {
    return { monotonic: this.pulse.clock.monotonic(), wall: this.pulse.clock.now() };
  }

  /** From here on the claim is renewed. @param sent when the move that won it was sent */
  hold(key: ClaimKey, token: string, sent: SentAt): Lease {
    const lease = new Lease(this, key, token, sent);
    this.pulse.watch(lease);
    return lease;
  }
}
