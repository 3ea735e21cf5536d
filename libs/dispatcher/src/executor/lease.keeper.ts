import type { ClaimKey, ClaimStore } from '#idempotency';
import { Lease, type SentAt, sentNow } from './lease.js';
import type { Pulse } from './pulse.js';

const MOST_OFTEN_MS = 1000;

/** The lease of one claim of ours. */
export class ClaimLease extends Lease {
  constructor(
    keeper: LeaseKeeper,
    readonly key: ClaimKey,
    readonly token: string,
    sent: SentAt,
  ) {
    const { pulse, leaseMs, everyMs, claims } = keeper;
    super({ pulse, leaseMs, everyMs, renew: () => claims.renew(key, token, leaseMs) }, sent);
  }
}

/** Renews the leases of all claims of the process, each every min(lease / 3, 1 s), by the one pulse. */
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
    return sentNow(this.pulse);
  }

  /** From here on the claim is renewed. @param sent when the move that won it was sent */
  hold(key: ClaimKey, token: string, sent: SentAt): ClaimLease {
    return new ClaimLease(this, key, token, sent);
  }
}
