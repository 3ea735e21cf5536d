import { type Ack, DormouseError, type Outcome } from '#contracts';
import { type Engine, keyPart, type Table, timePart, type Transaction } from '#engine';
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
} from '../../port.js';
import { claimRules, type Verdict } from './claim.rules.js';
import { type ClaimRow, decodeRow, encodeRow, expiryOf, viewOf } from './claim-row.js';

const MOST_RECENT = 10_000;

const rowKey = ({ sessionId, intentId }: ClaimKey): string => `${keyPart(sessionId)}|${keyPart(intentId)}`;
const expiryKey = (expiresAt: number, key: string): string => `${timePart(expiresAt)}|${key}`;

/** Claims in the embedded engine: each move of the port is one move of the engine. */
export class EmbeddedClaimStore extends ClaimStore {
  readonly capabilities: ClaimCapabilities;
  private readonly claims: Table<string>;
  /** when they expire, in order; the value is the claim's key */
  private readonly expiries: Table<string>;
  /** rows as they were last written by moves, which need not be parsed again; none with an outcome */
  private readonly recent = new Map<string, { text: string; row: ClaimRow }>();
  private closed = false;

  /** The engine stays its owner's to close. */
  constructor(private readonly engine: Engine) {
    super();
    this.capabilities = {
      driver: 'embedded',
      durability: engine.durability,
      shared: false,
      journal: engine.journalName,
    };
    this.claims = engine.text('cl');
    this.expiries = engine.text('cx');
  }

  async now(): Promise<number> {
    return this.engine.now();
  }

  claim(request: ClaimRequest): Promise<ClaimReply> {
    return this.on(request, (row, now) => claimRules.claim(row, request, now));
  }

  start(key: ClaimKey, token: string): Promise<StartReply> {
    return this.on(key, (row, now) => claimRules.start(row, token, now));
  }

  renew(key: ClaimKey, token: string, leaseMs: number): Promise<RenewReply> {
    return this.on(key, (row, now) => claimRules.renew(row, token, leaseMs, now));
  }

  defer(
    key: ClaimKey,
    token: string,
    deferral: { attempts: number; notBefore: number; handOver: boolean; record?: string },
  ): Promise<'deferred' | 'lost' | 'cancelled'> {
    return this.on(key, (row) => claimRules.defer(row, token, deferral));
  }

  keep(key: ClaimKey, token: string, record: string): Promise<'kept' | 'lost'> {
    return this.on(key, (row) => claimRules.keep(row, token, record));
  }

  record(
    key: ClaimKey,
    token: string,
    outcome: Outcome,
    retentionMs: number,
    ack?: Ack,
  ): Promise<RecordReply> {
    return this.on(key, (row, now) => claimRules.record(row, token, outcome, now + retentionMs), ack);
  }

  seal(key: ClaimKey, digest: string, outcome: Outcome, retentionMs: number): Promise<SealReply> {
    return this.on(key, (row, now) => claimRules.seal(row, digest, outcome, now + retentionMs));
  }

  handBack(key: ClaimKey, token: string, died = false): Promise<void> {
    return this.on(key, (row) => claimRules.handBack(row, token, died));
  }

  drop(key: ClaimKey, token: string): Promise<void> {
    return this.on(key, (row) => claimRules.drop(row, token));
  }

  forget(keys: readonly ClaimKey[]): Promise<void> {
    return this.move((tx) => {
      for (const key of keys) this.remove(tx, rowKey(key));
    });
  }

  read(keys: readonly ClaimKey[]): Promise<(ClaimView | null)[]> {
    if (this.closed) return Promise.reject(closedError());
    return this.engine.read((view) =>
      keys.map((key) => {
        const text = view.get(this.claims, rowKey(key));
        return text === undefined ? null : viewOf(decodeRow(text));
      }),
    );
  }

  expire(now: number, limit: number): Promise<number> {
    return this.move((tx) => {
      const due = tx.range(this.expiries, { start: '', end: timePart(now + 1), limit });
      for (const { value } of due) this.remove(tx, value);
      return due.length;
    });
  }

  async ping(): Promise<void> {
    await this.read([]);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private on<R>(
    key: ClaimKey,
    rule: (row: ClaimRow | null, now: number) => Verdict<R>,
    ack?: Ack,
  ): Promise<R> {
    return this.move((tx) => {
      const id = rowKey(key);
      const text = tx.get(this.claims, id);
      const { reply, row } = rule(text === undefined ? null : this.decode(id, text), this.engine.now());
      if (row === null) this.remove(tx, id);
      else if (row !== undefined) {
        const written = encodeRow(row);
        tx.put(this.claims, id, written, text === undefined);
        this.remember(id, written, row);
        // an outcome, and with it its time, comes once and stays
        if (row.expiresAt !== undefined) tx.put(this.expiries, expiryKey(row.expiresAt, id), id, true);
      }
      return reply;
    }, ack);
  }

  private decode(id: string, text: string): ClaimRow {
    const recent = this.recent.get(id);
    return recent?.text === text ? recent.row : decodeRow(text);
  }

  private remember(id: string, text: string, row: ClaimRow): void {
    // an outcome is the caller's object, and no move needs it again soon
    if (row.outcome) this.recent.delete(id);
    else {
      if (this.recent.size >= MOST_RECENT) this.recent.clear();
      this.recent.set(id, { text, row });
    }
  }

  private remove(tx: Transaction, id: string): void {
    this.recent.delete(id);
    const text = tx.get(this.claims, id);
    if (text === undefined) return;
    const expiresAt = expiryOf(text);
    if (expiresAt !== null) tx.del(this.expiries, expiryKey(expiresAt, id));
    tx.del(this.claims, id);
  }

  private move<T>(fn: (tx: Transaction) => T, ack?: Ack): Promise<T> {
    return this.closed ? Promise.reject(closedError()) : this.engine.move(fn, ack);
  }
}

const closedError = (): DormouseError =>
  new DormouseError('closed', 'expected an open claim store, but it was closed');
