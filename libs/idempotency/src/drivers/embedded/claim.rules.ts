import type { Outcome } from '#contracts';
import type { ClaimReply, ClaimRequest, RecordReply, RenewReply, SealReply, StartReply } from '../../port.js';
import { type ClaimRow, ended, freshRow, holds, isSealed } from './claim-row.js';

/** The answer to a move, and the row after it: absent: unchanged, null: deleted. */
export interface Verdict<R> {
  reply: R;
  row?: ClaimRow | null;
}

/** Its owner died; while the log had its record, that was counted there. */
const withDeath = (row: ClaimRow): ClaimRow =>
  row.record === undefined ? row : { ...row, deaths: (row.deaths ?? 0) + 1 };

/** What the port's moves make of a row; a repeat of a move meets its own result and answers as before. */
export const claimRules = {
  claim(row: ClaimRow | null, { digest, token, leaseMs }: ClaimRequest, now: number): Verdict<ClaimReply> {
    if (row === null) return { reply: { kind: 'claimed' }, row: freshRow(digest, token, now + leaseMs) };
    if (row.digest !== digest) return { reply: { kind: 'conflict', digest: row.digest } };
    if (row.outcome) return { reply: { kind: 'recorded', outcome: row.outcome } };
    if (row.token === token) return { reply: row.grant ? { ...row.grant } : { kind: 'claimed' } };
    if (row.token !== '' && row.leaseUntil > now)
      return { reply: { kind: 'held', leaseUntil: row.leaseUntil } };
    const { started, attempts, notBefore, cancelRequested } = row;
    const left = row.token !== '' && row.leaseUntil > 0 ? withDeath(row) : row;
    const counted = left.deaths === undefined ? {} : { deaths: left.deaths };
    const grant = { kind: 'taken_over', started, attempts, notBefore, cancelRequested, ...counted } as const;
    return { reply: { ...grant }, row: { ...left, token, leaseUntil: now + leaseMs, grant } };
  },

  start(row: ClaimRow | null, token: string, now: number): Verdict<StartReply> {
    if (isSealed(row)) return { reply: 'cancelled' };
    if (!holds(row, token)) return { reply: 'lost' };
    if (row.cancelRequested) return { reply: 'cancelled' };
    if (row.leaseUntil <= now) return { reply: 'lost' };
    return { reply: 'started', row: { ...row, started: true } };
  },

  renew(row: ClaimRow | null, token: string, leaseMs: number, now: number): Verdict<RenewReply> {
    if (isSealed(row)) return { reply: 'cancelled' };
    if (row?.outcome && row.token === token) return { reply: 'held' };
    if (!holds(row, token)) return { reply: 'lost' };
    // one that was asked to stop still holds it until it has recorded what became of it
    return { reply: row.cancelRequested ? 'cancelled' : 'held', row: { ...row, leaseUntil: now + leaseMs } };
  },

  defer(
    row: ClaimRow | null,
    token: string,
    deferral: { attempts: number; notBefore: number; handOver: boolean; record?: string },
  ): Verdict<'deferred' | 'lost' | 'cancelled'> {
    if (isSealed(row)) return { reply: 'cancelled' };
    if (!holds(row, token)) return { reply: 'lost' };
    if (row.cancelRequested) return { reply: 'cancelled' };
    const { attempts, notBefore, handOver, record } = deferral;
    const { deaths: _, ...rest } = row;
    const next: ClaimRow = { ...rest, started: false, attempts, notBefore };
    if (record !== undefined) next.record = record;
    if (handOver) next.leaseUntil = 0;
    return { reply: 'deferred', row: next };
  },

  keep(row: ClaimRow | null, token: string, record: string): Verdict<'kept' | 'lost'> {
    return holds(row, token) ? { reply: 'kept', row: { ...row, record } } : { reply: 'lost' };
  },

  record(row: ClaimRow | null, token: string, outcome: Outcome, expiresAt: number): Verdict<RecordReply> {
    if (row === null) return { reply: { kind: 'none' } };
    if (row.outcome)
      return {
        reply: row.token === token ? { kind: 'recorded' } : { kind: 'superseded', outcome: row.outcome },
      };
    if (!holds(row, token)) return { reply: { kind: 'lost' } };
    return { reply: { kind: 'recorded' }, row: ended(row, outcome, expiresAt) };
  },

  seal(row: ClaimRow | null, digest: string, outcome: Outcome, expiresAt: number): Verdict<SealReply> {
    if (row?.outcome)
      return { reply: isSealed(row) ? { kind: 'sealed' } : { kind: 'recorded', outcome: row.outcome } };
    if (row?.started)
      return {
        reply: { kind: 'started', leaseUntil: row.leaseUntil },
        row: { ...row, cancelRequested: true },
      };
    const free = { ...(row ?? freshRow(digest, '', 0)), token: '', leaseUntil: 0 };
    return { reply: { kind: 'sealed' }, row: ended(free, outcome, expiresAt) };
  },

  handBack(row: ClaimRow | null, token: string, died: boolean): Verdict<undefined> {
    if (!holds(row, token)) return { reply: undefined };
    return { reply: undefined, row: { ...(died ? withDeath(row) : row), token: '', leaseUntil: 0 } };
  },

  drop(row: ClaimRow | null, token: string): Verdict<undefined> {
    return holds(row, token) ? { reply: undefined, row: null } : { reply: undefined };
  },
};
