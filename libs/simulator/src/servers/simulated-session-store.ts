import { createHash } from 'node:crypto';
import {
  DormouseError,
  type HistoryEntry,
  isTerminal,
  type Snapshot,
  type StoredTimelineEntry,
  type TimelineEntry,
} from '#contracts';
import {
  type Commit,
  type CommitReply,
  type CreateReply,
  type Creation,
  type ListPage,
  type ListQuery,
  type PendingReply,
  presentEntry,
  SessionStore,
  type StateCapabilities,
  type TimelinePageQuery,
  type Wake,
} from '#state';
import { copyOf, type Line } from './line.js';
import {
  cursorAfter,
  historyOf,
  newestFirst,
  type SessionRow,
  type SessionRows,
  snapshotOf,
} from './session-rows.js';
import { SimulatedWakeAudit } from './simulated-wake-audit.js';

/** A process's way to the sessions of a simulated server. */
export class SimulatedSessionStore extends SessionStore {
  readonly capabilities: StateCapabilities = { driver: 'simulated', durability: 'power', shared: true };
  readonly audit: SimulatedWakeAudit;
  private readonly watches = new Set<() => void>();
  /** what this process wrote or read last; kept for ever, so that schedules meet what others have long gone beyond */
  private readonly seen = new Map<string, Snapshot>();
  private closed = false;

  constructor(
    private readonly server: SessionRows,
    private readonly line: Line,
  ) {
    super();
    this.audit = new SimulatedWakeAudit(server, { call: (what, effect) => this.call(what, effect) });
  }

  mark(): Promise<void> {
    return this.call('mark', () => undefined);
  }

  /** A simulated server keeps what it acknowledged. */
  isEmptied(): Promise<boolean> {
    return this.call('isEmptied', () => false);
  }

  now(): Promise<number> {
    return this.call('now', () => this.line.now());
  }

  async create(creation: Creation): Promise<CreateReply> {
    const given = copyOf(creation);
    const { snapshot } = given;
    const reply = await this.call(`create ${snapshot.session_id}`, () => this.server.create(given));
    if (reply.kind === 'created') this.see(snapshot);
    return reply;
  }

  async load(sessionId: string): Promise<Snapshot | null> {
    const snapshot = await this.call(`load ${sessionId}`, () => {
      const row = this.server.get(sessionId);
      return row === undefined ? null : snapshotOf(row);
    });
    if (snapshot !== null) this.see(snapshot);
    return snapshot;
  }

  override lastSeen(sessionId: string): Snapshot | undefined {
    return this.seen.get(sessionId);
  }

  async commit(commit: Commit): Promise<CommitReply> {
    // what the creation wrote isn't written again
    const given = copyOf({
      ...commit,
      snapshot: { ...commit.snapshot, fixed: undefined },
    }) as never as Commit;
    const { session_id, version } = given.snapshot;
    const known = this.seen.get(session_id);
    // until it is answered nobody knows which is the latest
    this.seen.delete(session_id);
    const reply = await this.call(`commit ${session_id} v${version}`, () => this.server.commit(given));
    if (reply.kind === 'committed' && known !== undefined)
      this.see({ ...given.snapshot, fixed: known.fixed });
    return reply;
  }

  private see(snapshot: Snapshot): void {
    if (isTerminal(snapshot.status)) this.seen.delete(snapshot.session_id);
    else this.seen.set(snapshot.session_id, snapshot);
  }

  isPending(sessionId: string, intentId: string): Promise<PendingReply> {
    return this.call(`isPending ${intentId}`, () => {
      const row = this.server.get(sessionId);
      if (row === undefined) return { kind: 'no_session' };
      const digest = isTerminal(row.status) ? undefined : row.pending.get(intentId);
      if (digest === undefined) return { kind: 'not_pending' };
      return { kind: 'pending', digest, cancelRequested: row.cancelRequested };
    });
  }

  history(sessionId: string, keys?: readonly string[]): Promise<HistoryEntry[]> {
    return this.call(`history ${sessionId}`, () => {
      const row = this.server.get(sessionId);
      const entries = row === undefined ? [] : historyOf(row);
      return keys === undefined ? entries : entries.filter(({ key }) => keys.includes(key));
    });
  }

  timeline(
    sessionId: string,
    { after = 0, limit = Infinity }: TimelinePageQuery = {},
  ): Promise<TimelineEntry[]> {
    return this.call(`timeline ${sessionId}`, () => {
      const row = this.server.get(sessionId);
      if (row === undefined) return [];
      const held = new Map(historyOf(row).map((entry) => [entry.key, entry]));
      return row.timeline
        .filter(({ seq }) => seq > after)
        .slice(0, limit)
        .map(({ text }) => {
          const entry = JSON.parse(text) as StoredTimelineEntry;
          return presentEntry(
            entry,
            entry.history_key === undefined ? undefined : held.get(entry.history_key),
          );
        });
    });
  }

  list({ tenant, status, metadata, createdAfter, limit, cursor }: ListQuery): Promise<ListPage> {
    return this.call('list', () => {
      const matches = (row: SessionRow): boolean =>
        (status === undefined || row.status === status) &&
        (createdAfter === undefined || row.createdAt > createdAfter) &&
        Object.entries(metadata ?? {}).every(
          ([name, value]) => Object.hasOwn(row.metadata, name) && row.metadata[name] === value,
        );
      const found = newestFirst(this.server, tenant, cursor).filter(([, row]) => matches(row));
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        snapshots: page.map(([, row]) => snapshotOf(row)),
        ...(found.length > limit && last !== undefined ? { nextCursor: cursorAfter(...last) } : {}),
      };
    });
  }

  lowerWake(sessionId: string, at: number): Promise<void> {
    return this.call(`lowerWake ${sessionId} to ${at}`, () => {
      this.server.lowerWake(sessionId, at);
    });
  }

  moveWake(sessionId: string, from: number, to: number): Promise<boolean> {
    return this.call(`moveWake ${sessionId} to ${to}`, () => this.server.moveWake(sessionId, from, to));
  }

  dueWakes(now: number, limit: number): Promise<Wake[]> {
    return this.call('dueWakes', () =>
      this.wakes()
        .filter(({ at }) => at <= now)
        .slice(0, limit),
    );
  }

  nextWake(): Promise<number | null> {
    return this.call('nextWake', () => this.wakes()[0]?.at ?? null);
  }

  wakeOf(sessionId: string): Promise<number | null> {
    return this.call(`wakeOf ${sessionId}`, () => this.server.get(sessionId)?.wake ?? null);
  }

  putBlob(sessionId: string, bytes: Uint8Array): Promise<string> {
    const copy = Uint8Array.from(bytes);
    const dataref = `blob:{${sessionId}}:${createHash('sha256').update(copy).digest('hex')}`;
    return this.call(`putBlob ${dataref}`, () => this.server.putBlob(dataref, copy));
  }

  getBlob(dataref: string): Promise<Uint8Array | null> {
    return this.call(`getBlob ${dataref}`, () => {
      const bytes = this.server.blobs.get(dataref);
      return bytes === undefined ? null : Uint8Array.from(bytes);
    });
  }

  watch(sessionId: string, changed: () => void): () => void {
    const state = { over: false };
    const stop = this.server.watch(sessionId, () => {
      this.line.tell(() => {
        if (!state.over) changed();
      });
    });
    const end = () => {
      state.over = true;
      stop();
      this.watches.delete(end);
    };
    this.watches.add(end);
    return end;
  }

  expire(endedBefore: number, limit: number): Promise<number> {
    return this.call('expire', () => this.server.expire(endedBefore, limit));
  }

  drop(sessionId: string): Promise<void> {
    return this.call(`drop ${sessionId}`, () => this.server.drop(sessionId));
  }

  async ping(): Promise<void> {
    await this.call('ping', () => undefined);
  }

  close(): Promise<void> {
    this.closed = true;
    for (const end of [...this.watches]) end();
    return Promise.resolve();
  }

  private wakes(): Wake[] {
    return [...this.server.rows]
      .flatMap(([sessionId, { wake }]) => (wake === null ? [] : [{ sessionId, at: wake }]))
      .sort((a, b) => a.at - b.at);
  }

  private call<T>(what: string, effect: () => T): Promise<T> {
    if (this.closed)
      return Promise.reject(new DormouseError('closed', 'expected an open session store, but it was closed'));
    return this.line.call(what, effect);
  }
}
