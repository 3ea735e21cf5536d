import type { Snapshot } from '#contracts';
import { keyPart, timePart, type Transaction, under } from '#engine';
import { type SessionReads } from './session-reads.js';
import { creationKey, endingKey, type SessionTables } from './session-rows.js';
import { type WakeRows } from './wake-rows.js';

/** Deletes every row of sessions that ended before `endedBefore`, at most `limit`; returns how many. */
export const expireSessions = (
  tx: Transaction,
  tables: SessionTables,
  reads: SessionReads,
  wakes: WakeRows,
  endedBefore: number,
  limit: number,
): number => {
  const due = tx.range(tables.endings, { start: '', end: timePart(endedBefore), limit });
  for (const { key, value } of due) {
    const session = keyPart(value);
    const snapshot = reads.load(tx, session);
    if (snapshot) dropSession(tx, tables, wakes, snapshot);
    tx.del(tables.endings, key);
    for (const row of tx.range(tables.blobs, under(session))) tx.del(tables.blobs, row.key);
  }
  return due.length;
};

/** Deletes every row of a session but those of its payloads. */
export const dropSession = (
  tx: Transaction,
  tables: SessionTables,
  wakes: WakeRows,
  { session_id, fixed: { tenant, created_at }, updated_at }: Snapshot,
): void => {
  const session = keyPart(session_id);
  tx.del(tables.creations, creationKey(tenant, created_at, session));
  wakes.set(tx, session, session_id, null);
  tx.del(tables.endings, endingKey(updated_at, session));
  tx.del(tables.heads, session);
  tx.del(tables.fixed, session);
  for (const table of [tables.steps, tables.historyKeys]) {
    for (const row of tx.range(table, under(session))) tx.del(table, row.key);
  }
};
