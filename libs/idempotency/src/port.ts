import type { Ack, Journaled, Outcome } from '#contracts';

export interface ClaimCapabilities extends Journaled {
  driver: string;
  durability: 'process' | 'power';
  /** several processes may use the same data at once */
  shared: boolean;
}

/** Names a claim. */
export interface ClaimKey {
  sessionId: string;
  intentId: string;
}

/** A claim as it is stored; `v` as in every record. */
export interface ClaimView {
  v: number;
  /** digest of tool and parameters that the claim was made for */
  digest: string;
  /** who holds it; empty when handed back or sealed by the Commander */
  token: string;
  /** end of the lease, store's clock, ms; 0 when handed back */
  leaseUntil: number;
  /** a compensatable or irreversible tool may have begun */
  started: boolean;
  /** runs that ended by themselves so far */
  attempts: number;
  /** not to be run before, ms; set by a backoff or a durable timer */
  notBefore: number;
  /** the session wants it stopped */
  cancelRequested: boolean;
  /** what was handed over: the whole intent as it was on the wire */
  record?: string;
  /** owners that died over it since then, one after the other; absent: none. An attempt that ends by itself clears it */
  deaths?: number;
  outcome?: Outcome;
  /** ms; only a recorded or sealed claim has one */
  expiresAt?: number;
}

export interface ClaimRequest extends ClaimKey {
  digest: string;
  /** `<process boot id>:<counter>`, unique for ever, compared for equality */
  token: string;
  leaseMs: number;
}
export type ClaimReply =
  /** nobody had it */
  | { kind: 'claimed' }
  /** its lease had run out or was handed back: ours now, with what the earlier owner left */
  | {
      kind: 'taken_over';
      started: boolean;
      attempts: number;
      notBefore: number;
      cancelRequested: boolean;
      /** see {@link ClaimView} */
      deaths?: number;
    }
  /** a live owner holds it */
  | { kind: 'held'; leaseUntil: number }
  /** it ended: publish this */
  | { kind: 'recorded'; outcome: Outcome }
  /** claimed for other parameters under the same id */
  | { kind: 'conflict'; digest: string };

/** `lost`: taken over, sealed by nobody of ours, or gone. `cancelled`: sealed, or a stop was asked for. */
export type StartReply = 'started' | 'lost' | 'cancelled';
export type RenewReply = 'held' | 'lost' | 'cancelled';
/**
 * `recorded`: ours stands. `superseded`: another outcome was recorded before; that one counts, publish it.
 * `lost`: taken over and not ended yet: what the new owner records counts. `none`: there is no claim at all: begin again at the claim.
 */
export type RecordReply =
  { kind: 'recorded' } | { kind: 'superseded'; outcome: Outcome } | { kind: 'lost' } | { kind: 'none' };
/**
 * `sealed`: it will never run (`cancelled` is recorded). `started`: it may be running; its owner is signalled.
 * `recorded`: it had ended already.
 */
export type SealReply =
  { kind: 'sealed' } | { kind: 'started'; leaseUntil: number } | { kind: 'recorded'; outcome: Outcome };

/**
 * The right to run one intent: leased, fenced by a token, and in the end holding the recorded outcome.
 *
 * Promises
 * - Every move is atomic and carries its token; the same move arriving twice answers as the first did.
 * - At most one token holds a claim at a time; the store's clock decides when a lease is over.
 * - `start`, `record`, `renew`, `defer` with a token that doesn't hold the claim any more change nothing.
 * - An outcome, once recorded, is never replaced; it lives for `retentionMs`.
 * - A claim that keeps its intent's record counts the owners whose lease ran out: nobody else sees that they die of it.
 * - What resolved outlives what `capabilities.durability` says; what rejected may have happened or not.
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`, `newer_version`.
 */
export abstract class ClaimStore {
  abstract readonly capabilities: ClaimCapabilities;

  /** The store's clock, in milliseconds. */
  abstract now(): Promise<number>;

  abstract claim(request: ClaimRequest): Promise<ClaimReply>;
  /** Before a compensatable or irreversible tool runs. Refused when the claim was taken over, sealed, or its lease is over. */
  abstract start(key: ClaimKey, token: string): Promise<StartReply>;
  /**
   * Extends the lease to now + `leaseMs`. A holder whose lease has run out but whom nobody replaced holds it again. One
   * that has recorded its outcome is told `held`, and nothing changes: nobody has taken anything from it.
   */
  abstract renew(key: ClaimKey, token: string, leaseMs: number): Promise<RenewReply>;
  /**
   * An attempt ended and another will follow, or the intent waits for a time: keeps `attempts` and `notBefore`, clears
   * `started` (the tool said that nothing was done, or may be repeated). `handOver`: also ends the lease, so that
   * whoever gets the intent after `notBefore` takes it over, and keeps `record`.
   */
  abstract defer(
    key: ClaimKey,
    token: string,
    deferral: { attempts: number; notBefore: number; handOver: boolean; record?: string },
  ): Promise<'deferred' | 'lost' | 'cancelled'>;
  /** Keeps the whole intent under the claim, so that its log record can be acknowledged while the tool runs on. */
  abstract keep(key: ClaimKey, token: string, record: string): Promise<'kept' | 'lost'>;
  /** @param ack of `recorded` */
  abstract record(
    key: ClaimKey,
    token: string,
    outcome: Outcome,
    retentionMs: number,
    ack?: Ack,
  ): Promise<RecordReply>;
  /** By the Commander: what isn't started never will be. Makes a claim where there is none. */
  abstract seal(key: ClaimKey, digest: string, outcome: Outcome, retentionMs: number): Promise<SealReply>;
  /**
   * Ends the lease at once, keeps everything else. Never deletes. Nothing happens with a stale token.
   *
   * @param died the owner is known to be dead: counted as one whose lease ran out
   */
  abstract handBack(key: ClaimKey, token: string, died?: boolean): Promise<void>;
  /** The session doesn't wait for it (stale): deletes the claim if the token holds it and it has no outcome. */
  abstract drop(key: ClaimKey, token: string): Promise<void>;
  /** After the step that applied its observation: deletes the claim whatever it holds. */
  abstract forget(keys: readonly ClaimKey[]): Promise<void>;
  /** In the order of `keys`; null where there is none. */
  abstract read(keys: readonly ClaimKey[]): Promise<(ClaimView | null)[]>;

  /** Deletes expired claims, at most `limit`; returns how many. A store that expires by itself returns 0. */
  abstract expire(now: number, limit: number): Promise<number>;

  abstract ping(): Promise<void>;
  abstract close(): Promise<void>;
}
