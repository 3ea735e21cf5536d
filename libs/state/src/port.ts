import type {
  Ack,
  HistoryEntry,
  Journaled,
  SessionStatus,
  Snapshot,
  StoredTimelineEntry,
  TimelineEntry,
} from '#contracts';
import type { WakeAudit } from './audit/port.js';

/**
 * What a driver can do beyond the port's promises, as data: start-up and the contract suite read it.
 */
export interface StateCapabilities extends Journaled {
  driver: string;
  /** what an acknowledged write outlives: `process` = kill -9, `power` = a power cut */
  durability: 'process' | 'power';
  /** several processes may use the same data at once */
  shared: boolean;
}

/** A wake-up: the one next time at which the sweeper looks at a session. Milliseconds, store's clock. */
export interface Wake {
  sessionId: string;
  at: number;
}

export interface Creation {
  snapshot: Snapshot;
  /** the entries that the creation itself adds (`queued`) */
  timeline: StoredTimelineEntry[];
  wakeAt: number;
  /** of `created` */
  ack?: Ack;
}
/** `exists`: the id is taken; its snapshot comes back, unchanged (compare `fixed.body_digest`). */
export type CreateReply = { kind: 'created' } | { kind: 'exists'; snapshot: Snapshot };

/** One step, written atomically if the stored version is still `expectedVersion`. */
export interface Commit {
  /** unique for ever (`<boot id>:<counter>`): the same commit arriving twice answers as the first did */
  token: string;
  expectedVersion: number;
  /** the next snapshot, `version` = `expectedVersion + 1`; `fixed` is not written again */
  snapshot: Snapshot;
  /** added to the history; a key that is there already is kept as it was */
  history: HistoryEntry[];
  /** appended; `seq` goes on from the stored snapshot's */
  timeline: StoredTimelineEntry[];
  /**
   * The snapshot's own next wake-up; null when the session has ended: its entry is removed.
   * The driver only ever lowers the entry before the commit and sets it to this value after it, if the entry still has
   * the value it was lowered to: a crash in between leaves an early wake-up, never a missing one.
   * While an intent of an earlier step is pending, an earlier entry is left as it is: `lowerWake` may have been called
   * with a later time than the entry's and changed nothing, which only the sweeper, that asks the claims, can tell.
   */
  wakeAt: number | null;
  /** of `committed` */
  ack?: Ack;
}
/** `conflict`: another commit came first; load again. `missing`: there is no such session (any more). */
export type CommitReply = { kind: 'committed' } | { kind: 'conflict'; version: number } | { kind: 'missing' };

/** What a dispatcher asks before it runs an intent. */
export type PendingReply =
  | { kind: 'pending'; digest: string; cancelRequested: boolean }
  /** the session has applied an outcome already, or has ended */
  | { kind: 'not_pending' }
  | { kind: 'no_session' };

export interface ListQuery {
  tenant: string;
  status?: SessionStatus;
  /** all must match */
  metadata?: Record<string, string>;
  /** milliseconds */
  createdAfter?: number;
  /** 1–500 */
  limit: number;
  /** from the page before; opaque */
  cursor?: string;
}
/** Newest first. A page may be shorter than `limit` although `nextCursor` is there: a filter looked at its share. */
export interface ListPage {
  snapshots: Snapshot[];
  nextCursor?: string;
}

export interface TimelinePageQuery {
  /** entries with a higher seq only; default 0 */
  after?: number;
  limit?: number;
}

/**
 * Holds sessions: snapshot, history, timeline, wake-ups, payloads.
 *
 * Promises
 * - A call that resolved outlives what `capabilities.durability` says. One that rejected (`unavailable`) may have
 *   happened or not; every write may be sent again and then answers as it did the first time.
 * - `create` and `commit` are atomic: after a crash all of it is there or nothing.
 * - `load` after a resolved write sees that write, in every process. What it gives may be shared: to be read only, as
 *   is a snapshot that was handed to `create` or `commit`.
 * - The cost of `commit` depends on what it adds, not on the length of the session.
 * Not promised: that `list` and `watch` are current to the moment (they may lag by a second).
 *
 * Errors: {@link DormouseError} `unavailable` (retryable), `closed`, `newer_version` (a record written by a later release).
 */
export abstract class SessionStore {
  abstract readonly capabilities: StateCapabilities;
  /** whether every session that hasn't ended has exactly one wake-up */
  abstract readonly audit: WakeAudit;

  /** The store's clock, in milliseconds: it decides what is due. */
  abstract now(): Promise<number>;

  abstract create(creation: Creation): Promise<CreateReply>;
  abstract load(sessionId: string): Promise<Snapshot | null>;
  /**
   * The latest snapshot that this process wrote or read, if that was a moment ago; undefined when it has none, or when
   * `load` costs as little. Another process may have written a later one: only a commit made from it, which compares the
   * versions, tells that it is the latest. Its history and whatever else is read may be that of a later one.
   */
  lastSeen(_sessionId: string): Snapshot | undefined {
    return undefined;
  }
  abstract commit(commit: Commit): Promise<CommitReply>;
  /** cheaper than `load`; answers from the last acknowledged commit */
  abstract isPending(sessionId: string, intentId: string): Promise<PendingReply>;

  /** In order of `n`. With `keys` only those (missing ones are left out). */
  abstract history(sessionId: string, keys?: readonly string[]): Promise<HistoryEntry[]>;
  /** In order of `seq`, payloads joined with the history. Empty for an unknown session. */
  abstract timeline(sessionId: string, query?: TimelinePageQuery): Promise<TimelineEntry[]>;
  abstract list(query: ListQuery): Promise<ListPage>;

  /** Sets the entry to `at` if it is later or missing, for an unfinished session. */
  abstract lowerWake(sessionId: string, at: number): Promise<void>;
  /** Sets the entry to `to` if it still is `from`; tells whether it was. */
  abstract moveWake(sessionId: string, from: number, to: number): Promise<boolean>;
  /** Entries due at `now`, earliest first, at most `limit`. */
  abstract dueWakes(now: number, limit: number): Promise<Wake[]>;
  /** When the earliest entry is due; null when there is none. */
  abstract nextWake(): Promise<number | null>;
  /** The entry of one session. */
  abstract wakeOf(sessionId: string): Promise<number | null>;

  /** Keeps a payload that is too large for a record; the same bytes again are one blob. Returns its `dataref`. */
  abstract putBlob(sessionId: string, bytes: Uint8Array): Promise<string>;
  /** null: there is no such blob (any more) */
  abstract getBlob(dataref: string): Promise<Uint8Array | null>;

  /**
   * Calls `changed` soon after the session's timeline grew (at least once for every growth after the call returned;
   * a call without growth may happen). Returns the end of the watching.
   */
  abstract watch(sessionId: string, changed: () => void): () => void;

  /** Drops sessions that ended before `endedBefore`, at most `limit`; returns how many. */
  abstract expire(endedBefore: number, limit: number): Promise<number>;
  /**
   * Drops a session whatever it is, as if it had never been; its payloads stay, for a session that is then created under
   * its id. Cut off, it is to be called again. For a rebuild alone: nobody else uses the store meanwhile.
   */
  abstract drop(sessionId: string): Promise<void>;

  /**
   * Says that this store is in use from now on. To be called when the log has nothing of ours, or everything in it has
   * been rebuilt: from then on {@link isEmptied} tells a store that has lost its data from a new one.
   */
  abstract mark(): Promise<void>;
  /**
   * True when the mark is missing: the store was never marked, or it, or a server of its cluster, was emptied. A store
   * that is kept together with the log can't lose one without the other: it is never emptied.
   */
  abstract isEmptied(): Promise<boolean>;

  /** Rejects when the store can't be reached. */
  abstract ping(): Promise<void>;
  abstract close(): Promise<void>;
}
