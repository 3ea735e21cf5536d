import { DormouseError, type Outcome } from '#contracts';
import {
  type ClaimCapabilities,
  type ClaimKey,
  type ClaimReply,
  type ClaimRequest,
  ClaimStore,
  type ClaimView,
  type RecordReply,
  type RenewReply,
  type SealReply,
  type StartReply,
  viewOf,
} from '#idempotency';
import type { ClaimRows } from './claim-rows.js';
import { copyOf, type Line } from './line.js';

/** A process's way to the claims of a simulated server. */
export class SimulatedClaimStore extends ClaimStore {
  readonly capabilities: ClaimCapabilities = { driver: 'simulated', durability: 'power', shared: true };
  private closed = false;

  constructor(
    private readonly server: ClaimRows,
    private readonly line: Line,
  ) {
    super();
  }

  now(): Promise<number> {
    return this.call('now', () => this.line.now());
  }

  claim(request: ClaimRequest): Promise<ClaimReply> {
    return this.on('claim', request, (rules, row, now) => rules.claim(row, request, now));
  }

  start(key: ClaimKey, token: string): Promise<StartReply> {
    return this.on('start', key, (rules, row, now) => rules.start(row, token, now));
  }

  renew(key: ClaimKey, token: string, leaseMs: number): Promise<RenewReply> {
    return this.on('renew', key, (rules, row, now) => rules.renew(row, token, leaseMs, now));
  }

  defer(
    key: ClaimKey,
    token: string,
    deferral: { attempts: number; notBefore: number; handOver: boolean; record?: string },
  ): Promise<'deferred' | 'lost' | 'cancelled'> {
    return this.on('defer', key, (rules, row) => rules.defer(row, token, deferral));
  }

  keep(key: ClaimKey, token: string, record: string): Promise<'kept' | 'lost'> {
    return this.on('keep', key, (rules, row) => rules.keep(row, token, record));
  }

  record(key: ClaimKey, token: string, outcome: Outcome, retentionMs: number): Promise<RecordReply> {
    const given = copyOf(outcome);
    return this.on(`record ${given.status}`, key, (rules, row, now) =>
      rules.record(row, token, given, now + retentionMs),
    );
  }

  seal(key: ClaimKey, digest: string, outcome: Outcome, retentionMs: number): Promise<SealReply> {
    const given = copyOf(outcome);
    return this.on('seal', key, (rules, row, now) => rules.seal(row, digest, given, now + retentionMs));
  }

  handBack(key: ClaimKey, token: string, died = false): Promise<void> {
    return this.on('handBack', key, (rules, row) => rules.handBack(row, token, died));
  }

  drop(key: ClaimKey, token: string): Promise<void> {
    return this.on('drop', key, (rules, row) => rules.drop(row, token));
  }

  forget(keys: readonly ClaimKey[]): Promise<void> {
    return this.call(`forget ${keys.map(({ intentId }) => intentId).join(' ')}`, () => {
      this.server.forget(keys);
    });
  }

  read(keys: readonly ClaimKey[]): Promise<(ClaimView | null)[]> {
    return this.call(`read ${keys.map(({ intentId }) => intentId).join(' ')}`, () =>
      keys.map((key) => {
        const row = this.server.get(key);
        return row === null ? null : viewOf(row);
      }),
    );
  }

  expire(now: number, limit: number): Promise<number> {
    return this.call('expire', () => this.server.expire(now, limit));
  }

  async ping(): Promise<void> {
    await this.call('ping', () => undefined);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private on<R>(what: string, key: ClaimKey, rule: Parameters<typeof this.server.move<R>>[1]): Promise<R> {
    return this.call(`${what} ${key.intentId}`, () => this.server.move(key, rule));
  }

  private call<T>(what: string, effect: () => T): Promise<T> {
    if (this.closed)
      return Promise.reject(new DormouseError('closed', 'expected an open claim store, but it was closed'));
    return this.line.call(what, effect);
  }
}
