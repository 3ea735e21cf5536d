import type { Json, Outcome } from '#contracts';
import {
  type ClaimKey,
  type ClaimReply,
  type ClaimStore,
  type ClaimView,
  type RecordReply,
  type RenewReply,
  type StartReply,
  intentDigest,
  nextToken,
} from '#idempotency';
import { freshName } from '../fresh-name.js';

export const DIGEST = intentDigest('book_flight', { to: 'Chengdu' });
export const OTHER_DIGEST = intentDigest('book_flight', { to: 'Kunming' });

export const succeeded = (result: Json = { booking_id: 'B-1' }): Outcome => ({
  status: 'succeeded',
  result,
  error: null,
  attempts: 1,
  started_at: '2026-01-27T10:00:00.000Z',
  duration_ms: 12.5,
});

export const cancelled = (): Outcome => ({
  status: 'cancelled',
  result: null,
  error: { code: 'cancelled', message: 'the session was cancelled before it began', retryable: false },
  attempts: 0,
  started_at: '2026-01-27T10:00:00.000Z',
  duration_ms: 0,
});

export const freshKey = (): ClaimKey => {
  const sessionId = freshName('sess');
  return { sessionId, intentId: `${sessionId}.1.0` };
};

export const viewOf = async (store: ClaimStore, key: ClaimKey): Promise<ClaimView | null> =>
  (await store.read([key]))[0] ?? null;

export interface ClaimantOptions {
  leaseMs: number;
  retentionMs: number;
  token?: string;
  digest?: string;
}

/** Somebody who wants to run one intent: the moves of one token. */
export class Claimant {
  readonly token: string;
  readonly digest: string;
  private readonly leaseMs: number;
  private readonly retentionMs: number;

  constructor(
    private readonly store: ClaimStore,
    readonly key: ClaimKey,
    options: ClaimantOptions,
  ) {
    this.token = options.token ?? nextToken();
    this.digest = options.digest ?? DIGEST;
    this.leaseMs = options.leaseMs;
    this.retentionMs = options.retentionMs;
  }

  /** The same token at another instance: after a restart of the store, or from another process. */
  at(store: ClaimStore): Claimant {
    return new Claimant(store, this.key, {
      leaseMs: this.leaseMs,
      retentionMs: this.retentionMs,
      token: this.token,
      digest: this.digest,
    });
  }

  claim(): Promise<ClaimReply> {
    return this.store.claim({ ...this.key, digest: this.digest, token: this.token, leaseMs: this.leaseMs });
  }
  start(): Promise<StartReply> {
    return this.store.start(this.key, this.token);
  }
  renew(leaseMs = this.leaseMs): Promise<RenewReply> {
    return this.store.renew(this.key, this.token, leaseMs);
  }
  defer(
    deferral: Partial<Parameters<ClaimStore['defer']>[2]> = {},
  ): Promise<'deferred' | 'lost' | 'cancelled'> {
    return this.store.defer(this.key, this.token, {
      attempts: 1,
      notBefore: 0,
      handOver: false,
      ...deferral,
    });
  }
  keep(record = '{"kept":true}'): Promise<'kept' | 'lost'> {
    return this.store.keep(this.key, this.token, record);
  }
  record(outcome: Outcome = succeeded()): Promise<RecordReply> {
    return this.store.record(this.key, this.token, outcome, this.retentionMs);
  }
  handBack(died = false): Promise<void> {
    return this.store.handBack(this.key, this.token, died);
  }
  drop(): Promise<void> {
    return this.store.drop(this.key, this.token);
  }
}
