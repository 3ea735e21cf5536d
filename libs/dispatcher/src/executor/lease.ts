import type { Beating, Pulse } from './pulse.js';

/** When a move was sent, by both clocks. */
export interface SentAt {
  monotonic: number;
  wall: number;
}

export const sentNow = ({ clock }: Pulse): SentAt => ({ monotonic: clock.monotonic(), wall: clock.now() });

/** What a renewal found out. */
export type LeaseSignal = 'cancelled' | 'lost';

/** How a lease is renewed. */
export interface Renewing {
  pulse: Pulse;
  leaseMs: number;
  everyMs: number;
  /** one renewal at the store. Errors: `unavailable` */
  renew(): Promise<'held' | LeaseSignal>;
}

/**
 * A lease of ours, renewed until it is let go. It counts from the sending of the last move that was answered, by the
 * monotonic and by the wall clock; the earlier end wins.
 */
export class Lease implements Beating {
  private sent: SentAt;
  private lastTry: number;
  private renewing = false;
  private released = false;
  private signalled: LeaseSignal | undefined;
  /** set by whoever wants to know at once */
  onSignal: ((signal: LeaseSignal) => void) | undefined;

  /** @param sent when the move that won it was sent */
  constructor(
    private readonly how: Renewing,
    sent: SentAt,
  ) {
    this.sent = sent;
    this.lastTry = sent.monotonic;
    how.pulse.watch(this);
  }

  /** what a renewal said that can't be taken back */
  get signal(): LeaseSignal | undefined {
    return this.signalled;
  }

  /** Still ours by our own clocks. */
  isLive(): boolean {
    const { pulse, leaseMs } = this.how;
    const { monotonic, wall } = sentNow(pulse);
    return monotonic < this.sent.monotonic + leaseMs && wall < this.sent.wall + leaseMs;
  }

  /** Ends the renewing; what is leased stays as it is. */
  release(): void {
    this.released = true;
    this.onSignal = undefined;
    this.how.pulse.leave(this);
  }

  beat(now: number): void {
    if (this.renewing || this.released || now < this.lastTry + this.how.everyMs) return;
    // a store that can't be reached is asked again at the next turn; the lease may outlive that
    this.renew().catch(() => undefined);
  }

  /** Asks the store now. Errors: `unavailable`. */
  async renew(): Promise<'held' | LeaseSignal> {
    const sent = sentNow(this.how.pulse);
    this.lastTry = sent.monotonic;
    this.renewing = true;
    try {
      const reply = await this.how.renew();
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
    if (signal === 'lost') this.how.pulse.leave(this);
    this.onSignal?.(signal);
  }
}
