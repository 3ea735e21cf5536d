import { DormouseError, type Outcome, RECORD_VERSION } from '#contracts';
import type { ClaimReply, ClaimView } from '../../port.js';

/** A claim as a row holds it: what everybody sees, and what its holder's repeats need. */
export interface ClaimRow extends ClaimView {
  /** how its holder got it, if it took it over: the answer to the same claim arriving again */
  grant?: Extract<ClaimReply, { kind: 'taken_over' }>;
}

/** `<when it expires, or nothing>` newline JSON: who deletes a claim needn't read its outcome. */
export const encodeRow = (row: ClaimRow): string => `${row.expiresAt ?? ''}\n${JSON.stringify(row)}`;

/** @throws DormouseError `newer_version` */
export const decodeRow = (text: string): ClaimRow => {
  const row = JSON.parse(text.slice(text.indexOf('\n') + 1)) as ClaimRow;
  if (row.v > RECORD_VERSION)
    throw new DormouseError(
      'newer_version',
      `expected a claim of version ${RECORD_VERSION} or earlier, got ${row.v}: run the release that wrote it`,
    );
  return row;
};

/** When the row expires, ms; null: never. */
export const expiryOf = (text: string): number | null => {
  const end = text.indexOf('\n');
  return end === 0 ? null : Number(text.slice(0, end));
};

export const viewOf = ({ grant: _grant, ...view }: ClaimRow): ClaimView => view;

export const freshRow = (digest: string, token: string, leaseUntil: number): ClaimRow => ({
  v: RECORD_VERSION,
  digest,
  token,
  leaseUntil,
  started: false,
  attempts: 0,
  notBefore: 0,
  cancelRequested: false,
});

export const ended = (row: ClaimRow, outcome: Outcome, expiresAt: number): ClaimRow => ({
  ...row,
  outcome,
  expiresAt,
});

/** Held by this token and not ended. */
export const holds = (row: ClaimRow | null, token: string): row is ClaimRow =>
  row !== null && row.outcome === undefined && row.token === token;

/** Ended by the Commander: an outcome that nobody who held it has recorded. */
export const isSealed = (row: ClaimRow | null): boolean => row?.outcome !== undefined && row.token === '';
