import {
  DormouseError,
  type HistoryEntry,
  isTerminal,
  RECORD_VERSION,
  type SessionFixed,
  type Snapshot,
  type StoredStatus,
  type StoredTimelineEntry,
} from '#contracts';
import {
  type AuditNotes,
  type Commit,
  type CommitReply,
  type CreateReply,
  type Creation,
  invalidCursor,
  mayBePutOff,
  NO_NOTES,
} from '#state';
import { UndoLog } from './undo-log.js';

/** A session as the server keeps it: texts, as on any wire; replaced as a whole with every write. */
export interface SessionRow {
  /** written once, frozen, so that whoever reads it may be handed it */
  fixed: SessionFixed;
  head: string;
  tenant: string;
  createdAt: number;
  metadata: Readonly<Record<string, string>>;
  version: number;
  status: StoredStatus;
  updatedAt: number;
  cancelRequested: boolean;
  /** somebody has sent what no step has applied */
  unheard: boolean;
  /** digest by intent id */
  pending: ReadonlyMap<string, string>;
  /** of the commit that made version 2, 3, … */
  tokens: readonly string[];
  /** by key, in the order of their coming */
  history: ReadonlyMap<string, string>;
  timeline: readonly { seq: number; text: string }[];
  wake: number | null;
  /** its own next wake-up, as the last write said */
  ownAt: number | null;
}

/** Who audits, ms until when, and what is noted. */
export interface AuditTurn {
  holder: string;
  until: number;
  notes: AuditNotes;
}

const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
};

const headOf = (snapshot: Snapshot) => ({
  head: JSON.stringify({ ...snapshot, fixed: undefined }),
  version: snapshot.version,
  status: snapshot.status,
  updatedAt: snapshot.updated_at,
  cancelRequested: snapshot.cancel_requested !== undefined,
  unheard: snapshot.inbox !== undefined || snapshot.cancel_requested !== undefined,
  pending: new Map(snapshot.pending.map(({ intent_id, digest }) => [intent_id, digest])),
});

const linesOf = (timeline: readonly StoredTimelineEntry[]) =>
  timeline.map((entry) => ({ seq: entry.seq, text: JSON.stringify(entry) }));

/** Errors: `newer_version` */
export const snapshotOf = (row: SessionRow): Snapshot => {
  const head = JSON.parse(row.head) as Omit<Snapshot, 'fixed'>;
  if (head.v > RECORD_VERSION)
    throw new DormouseError(
      'newer_version',
      `expected a snapshot of version ${RECORD_VERSION}, got ${head.v}`,
    );
  return Object.assign(head, { fixed: row.fixed });
};

export const historyOf = (row: SessionRow): HistoryEntry[] =>
  Array.from(row.history.values(), (text) => JSON.parse(text) as HistoryEntry).sort((a, b) => a.n - b.n);

/** The sessions of a server: what each write does, in one go. */
export class SessionRows {
  readonly rows = new Map<string, SessionRow>();
  readonly blobs = new Map<string, Uint8Array>();
  readonly undo = new UndoLog();
  readonly auditTurn: AuditTurn = { holder: '', until: 0, notes: NO_NOTES };
  private readonly watching = new Map<string, Set<() => void>>();
  /** each is told of every commit that was accepted */
  readonly commits: ((commit: Commit) => void)[] = [];
  /** is told whenever a wake-up may have become earlier */
  onWake: () => void = () => undefined;

  /** @param now the server's clock */
  constructor(readonly now: () => number) {}

  get(sessionId: string): SessionRow | undefined {
    return this.rows.get(sessionId);
  }

  create({ snapshot, timeline, wakeAt }: Creation): CreateReply {
    const existing = this.rows.get(snapshot.session_id);
    if (existing !== undefined) return { kind: 'exists', snapshot: snapshotOf(existing) };
    const { fixed } = snapshot;
    this.put(snapshot.session_id, {
      fixed: frozen(fixed),
      ...headOf(snapshot),
      tenant: fixed.tenant,
      createdAt: fixed.created_at,
      metadata: { ...fixed.submission.metadata },
      tokens: [],
      history: new Map(),
      timeline: linesOf(timeline),
      wake: wakeAt,
      ownAt: wakeAt,
    });
    this.tell(snapshot.session_id);
    return { kind: 'created' };
  }

  commit(commit: Commit): CommitReply {
    const { token, expectedVersion, snapshot, history, timeline, wakeAt } = commit;
    const row = this.rows.get(snapshot.session_id);
    if (row === undefined) return { kind: 'missing' };
    if (row.version !== expectedVersion) {
      const repeated = row.tokens[expectedVersion - 1] === token;
      return repeated ? { kind: 'committed' } : { kind: 'conflict', version: row.version };
    }
    const entries = new Map(row.history);
    for (const entry of history) if (!entries.has(entry.key)) entries.set(entry.key, JSON.stringify(entry));
    const early = row.wake !== null && wakeAt !== null && row.wake < wakeAt && mayBePutOff(snapshot);
    const tokens = row.tokens.slice(0, expectedVersion - 1);
    tokens[expectedVersion - 1] = token;
    this.put(snapshot.session_id, {
      ...row,
      ...headOf(snapshot),
      tokens,
      history: entries,
      timeline: [...row.timeline, ...linesOf(timeline)],
      wake: early ? row.wake : wakeAt,
      ownAt: wakeAt,
    });
    for (const told of this.commits) told(commit);
    this.tell(snapshot.session_id);
    return { kind: 'committed' };
  }

  /** Infinity: there is none */
  earliestWake(): number {
    let earliest = Infinity;
    for (const { wake } of this.rows.values()) if (wake !== null && wake < earliest) earliest = wake;
    return earliest;
  }

  lowerWake(sessionId: string, at: number): void {
    const row = this.rows.get(sessionId);
    if (row === undefined || isTerminal(row.status)) return;
    if (row.wake === null || row.wake > at) this.put(sessionId, { ...row, wake: at });
  }

  moveWake(sessionId: string, from: number, to: number): boolean {
    const row = this.rows.get(sessionId);
    if (row?.wake !== from) return false;
    this.put(sessionId, { ...row, wake: to });
    return true;
  }

  /** Whatever the wake-up is, it is this from now on. */
  setWake(sessionId: string, wake: number | null): void {
    const row = this.rows.get(sessionId);
    if (row !== undefined) this.put(sessionId, { ...row, wake });
  }

  putBlob(dataref: string, bytes: Uint8Array): string {
    if (!this.blobs.has(dataref)) this.blobs.set(dataref, Uint8Array.from(bytes));
    return dataref;
  }

  expire(endedBefore: number, limit: number): number {
    const over = [...this.rows]
      .filter(([, { status, updatedAt }]) => isTerminal(status) && updatedAt < endedBefore)
      .sort(([, a], [, b]) => a.updatedAt - b.updatedAt)
      .slice(0, limit);
    for (const [sessionId] of over) {
      this.put(sessionId, undefined);
      for (const dataref of this.blobs.keys())
        if (dataref.startsWith(`blob:{${sessionId}}:`)) this.blobs.delete(dataref);
    }
    return over.length;
  }

  drop(sessionId: string): void {
    this.put(sessionId, undefined);
  }

  watch(sessionId: string, changed: () => void): () => void {
    const watching = this.watching.get(sessionId) ?? new Set();
    this.watching.set(sessionId, watching);
    watching.add(changed);
    return () => {
      watching.delete(changed);
    };
  }

  private tell(sessionId: string): void {
    for (const changed of this.watching.get(sessionId) ?? []) changed();
  }

  private put(sessionId: string, row: SessionRow | undefined): void {
    const before = this.rows.get(sessionId);
    this.undo.add(this.now(), () => {
      this.set(sessionId, before);
    });
    this.set(sessionId, row);
  }

  private set(sessionId: string, row: SessionRow | undefined): void {
    const before = this.rows.get(sessionId)?.wake ?? null;
    if (row === undefined) this.rows.delete(sessionId);
    else this.rows.set(sessionId, row);
    const wake = row?.wake ?? null;
    if (wake !== null && (before === null || wake < before)) this.onWake();
  }
}

const CURSOR = /^(\d+)\|(.+)$/s;

/** Sessions of a tenant, newest first, from after the cursor on. */
export const newestFirst = (
  rows: SessionRows,
  tenant: string,
  cursor: string | undefined,
): [sessionId: string, row: SessionRow][] => {
  const [, at, id] =
    cursor === undefined ? [] : (CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? []);
  if (cursor !== undefined && (at === undefined || id === undefined)) throw invalidCursor(cursor);
  const isAfter = (sessionId: string, { createdAt }: SessionRow): boolean =>
    id === undefined || createdAt < Number(at) || (createdAt === Number(at) && sessionId < id);
  return [...rows.rows]
    .filter(([sessionId, row]) => row.tenant === tenant && isAfter(sessionId, row))
    .sort(([a, { createdAt: x }], [b, { createdAt: y }]) => y - x || (a < b ? 1 : -1));
};

export const cursorAfter = (sessionId: string, { createdAt }: SessionRow): string =>
  Buffer.from(`${createdAt}|${sessionId}`).toString('base64url');
