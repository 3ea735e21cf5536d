import { createHash } from 'node:crypto';
import { type Ack, DormouseError, type HistoryEntry, type Snapshot, type TimelineEntry } from '#contracts';
import { type Engine, keyPart, type Transaction, type View } from '#engine';
import {
  type Commit,
  type CommitReply,
  type CreateReply,
  type Creation,
  type ListPage,
  type ListQuery,
  type PendingReply,
  SessionStore,
  type StateCapabilities,
  type TimelinePageQuery,
  type Wake,
} from '../../port.js';
import { EmbeddedWakeAudit } from './embedded-wake-audit.js';
import { RecentSnapshots } from './recent-snapshots.js';
import { dropSession, expireSessions } from './session-expiry.js';
import { listPage } from './session-list.js';
import { SessionReads } from './session-reads.js';
import { blobKey, decodeHeadLine, hasEnded, type SessionTables, sessionTables } from './session-rows.js';
import { SessionWrites } from './session-writes.js';
import { WakeRows } from './wake-rows.js';
import { Watchers } from './watchers.js';

const DATAREF = /^blob:\{(.+)\}:([0-9a-f]{64})$/s;

/** Sessions in the embedded engine: each call of the port is one move, or one read, of the engine. */
export class EmbeddedSessionStore extends SessionStore {
  readonly capabilities: StateCapabilities;
  readonly audit: EmbeddedWakeAudit;
  private readonly tables: SessionTables;
  private readonly reads: SessionReads;
  private readonly wakes: WakeRows;
  private readonly writes: SessionWrites;
  private readonly recent: RecentSnapshots;
  private readonly watchers = new Watchers();
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
    this.tables = sessionTables(engine);
    this.recent = new RecentSnapshots(this.tables);
    this.reads = new SessionReads(this.tables, this.recent);
    this.wakes = new WakeRows(this.tables);
    this.writes = new SessionWrites(this.tables, this.reads, this.wakes, this.recent);
    this.audit = new EmbeddedWakeAudit(this.tables, this.wakes, {
      now: () => engine.now(),
      read: (fn) => this.read(fn),
      move: (fn) => this.move(fn),
    });
  }

  /** Log and sessions lie in one folder, and what is written is there in order: one isn't lost without the other. */
  mark(): Promise<void> {
    return this.ping();
  }

  isEmptied(): Promise<boolean> {
    return this.ping().then(() => false);
  }

  async now(): Promise<number> {
    return this.engine.now();
  }

  async create(creation: Creation): Promise<CreateReply> {
    const reply = await this.move((tx) => this.writes.create(tx, creation), creation.ack);
    if (reply.kind === 'created') this.watchers.tell(creation.snapshot.session_id);
    return reply;
  }

  load(sessionId: string): Promise<Snapshot | null> {
    return this.read((view) => this.reads.load(view, keyPart(sessionId)));
  }

  override lastSeen(sessionId: string): Snapshot | undefined {
    if (this.closed) return undefined;
    return this.engine.peek((view) => this.recent.get(view, keyPart(sessionId)));
  }

  async commit(commit: Commit): Promise<CommitReply> {
    const { session_id } = commit.snapshot;
    const reply = await this.move((tx) => this.writes.commit(tx, commit), commit.ack);
    if (reply.kind === 'committed') this.watchers.tell(session_id);
    return reply;
  }

  isPending(sessionId: string, intentId: string): Promise<PendingReply> {
    return this.read((view) => this.reads.isPending(view, keyPart(sessionId), intentId));
  }

  history(sessionId: string, keys?: readonly string[]): Promise<HistoryEntry[]> {
    return this.read((view) => this.reads.history(view, keyPart(sessionId), keys));
  }

  timeline(sessionId: string, query: TimelinePageQuery = {}): Promise<TimelineEntry[]> {
    return this.read((view) => this.reads.timeline(view, keyPart(sessionId), query));
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.read((view) => listPage(view, this.tables, this.reads, query));
  }

  lowerWake(sessionId: string, at: number): Promise<void> {
    return this.move((tx) => {
      const session = keyPart(sessionId);
      const head = tx.get(this.tables.heads, session);
      if (head === undefined || hasEnded(decodeHeadLine(head))) return;
      const before = this.wakes.of(tx, session);
      if (before === null || before > at) this.wakes.set(tx, session, sessionId, at);
    });
  }

  moveWake(sessionId: string, from: number, to: number): Promise<boolean> {
    return this.move((tx) => {
      const session = keyPart(sessionId);
      if (this.wakes.of(tx, session) !== from) return false;
      this.wakes.set(tx, session, sessionId, to);
      return true;
    });
  }

  dueWakes(now: number, limit: number): Promise<Wake[]> {
    return this.read((view) => this.wakes.due(view, now, limit));
  }

  nextWake(): Promise<number | null> {
    return this.read((view) => this.wakes.next(view));
  }

  wakeOf(sessionId: string): Promise<number | null> {
    return this.read((view) => this.wakes.of(view, keyPart(sessionId)));
  }

  putBlob(sessionId: string, bytes: Uint8Array): Promise<string> {
    const hash = createHash('sha256').update(bytes).digest('hex');
    const key = blobKey(keyPart(sessionId), hash);
    return this.move((tx) => {
      // a copy: the bytes stay the caller's to change
      if (tx.get(this.tables.blobs, key) === undefined)
        tx.put(this.tables.blobs, key, Buffer.from(bytes), true);
      return `blob:{${sessionId}}:${hash}`;
    });
  }

  getBlob(dataref: string): Promise<Uint8Array | null> {
    return this.read((view) => {
      const [, sessionId, hash] = DATAREF.exec(dataref) ?? [];
      if (sessionId === undefined || hash === undefined) return null;
      const bytes = view.get(this.tables.blobs, blobKey(keyPart(sessionId), hash));
      return bytes === undefined ? null : new Uint8Array(bytes);
    });
  }

  watch(sessionId: string, changed: () => void): () => void {
    return this.watchers.add(sessionId, changed);
  }

  expire(endedBefore: number, limit: number): Promise<number> {
    return this.move((tx) => expireSessions(tx, this.tables, this.reads, this.wakes, endedBefore, limit));
  }

  drop(sessionId: string): Promise<void> {
    return this.move((tx) => {
      const snapshot = this.reads.load(tx, keyPart(sessionId));
      if (snapshot) dropSession(tx, this.tables, this.wakes, snapshot);
    });
  }

  async ping(): Promise<void> {
    await this.read(() => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.recent.clear();
    this.watchers.clear();
  }

  private move<T>(fn: (tx: Transaction) => T, ack?: Ack): Promise<T> {
    return this.closed ? Promise.reject(closedError()) : this.engine.move(fn, ack);
  }

  private read<T>(fn: (view: View) => T): Promise<T> {
    return this.closed ? Promise.reject(closedError()) : this.engine.read(fn);
  }
}

const closedError = (): DormouseError =>
  new DormouseError('closed', 'expected an open session store, but it was closed');
