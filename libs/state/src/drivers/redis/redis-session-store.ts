import { createHash } from 'node:crypto';
import type { Finding, HistoryEntry, Snapshot, TimelineEntry } from '#contracts';
import { RedisConnection, type ServerPromises } from '#redis';
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
import { LatestSnapshots } from './latest-snapshots.js';
import { putBlobMove } from './moves/put-blob.lua.js';
import { DEFAULT_RETENTION_MS, type RedisStateOptions } from './redis-state.options.js';
import { RedisWakeAudit } from './redis-wake-audit.js';
import { dropSession, expireSessions } from './session-expiry.js';
import { SessionKeys } from './session-keys.js';
import { listPage } from './session-list.js';
import { SessionReads } from './session-reads.js';
import { SessionWatch } from './session-watch.js';
import { SessionWrites } from './session-writes.js';
import { WakeIndex } from './wake-index.js';

/** Sessions in Redis, or a Redis Cluster. Its README says where what lies. */
export class RedisSessionStore extends SessionStore {
  readonly capabilities: StateCapabilities;
  readonly audit: RedisWakeAudit;
  private readonly reads: SessionReads;
  private readonly wakes: WakeIndex;
  private readonly writes: SessionWrites;
  private readonly watchers: SessionWatch;
  private readonly latest = new LatestSnapshots();

  private constructor(
    private readonly redis: RedisConnection,
    private readonly keys: SessionKeys,
    private readonly promises: ServerPromises,
    private readonly retentionMs: number,
  ) {
    super();
    this.capabilities = { driver: 'redis', durability: promises.durability, shared: true };
    this.reads = new SessionReads(redis, keys, this.latest);
    this.wakes = new WakeIndex(redis, keys);
    this.writes = new SessionWrites(redis, keys, this.wakes, this.latest, retentionMs);
    this.watchers = new SessionWatch(redis, keys);
    this.audit = new RedisWakeAudit(redis, keys);
    // what answers now may be a replica without the last writes
    redis.onReady(() => this.latest.clear());
  }

  /** @throws DormouseError `invalid_settings`; `unavailable` when no server answers */
  static async open(options: RedisStateOptions): Promise<RedisSessionStore> {
    const keys = new SessionKeys(options.keyPrefix);
    const redis = await RedisConnection.open(options);
    try {
      const promises = await redis.promises();
      return new RedisSessionStore(redis, keys, promises, options.retentionMs ?? DEFAULT_RETENTION_MS);
    } catch (error) {
      await redis.close();
      throw error;
    }
  }

  /** What the server's settings promise, and put at risk. */
  checks(): readonly Finding[] {
    return this.promises.findings;
  }

  async mark(): Promise<void> {
    const now = new Date().toISOString();
    await Promise.all(
      this.keys.markers().map((key) => this.redis.call((redis) => redis.set(key, now, 'NX'))),
    );
  }

  async isEmptied(): Promise<boolean> {
    const { redis } = this;
    const markers = this.keys.markers();
    const parts = redis.cluster ? markers.map((key) => [key]) : [markers];
    const there = await Promise.all(parts.map((keys) => redis.call((client) => client.exists(...keys))));
    return there.reduce((sum, n) => sum + n, 0) < markers.length;
  }

  now(): Promise<number> {
    return this.redis.now();
  }

  create(creation: Creation): Promise<CreateReply> {
    return this.writes.create(creation);
  }

  load(sessionId: string): Promise<Snapshot | null> {
    return this.reads.load(sessionId);
  }

  override lastSeen(sessionId: string): Snapshot | undefined {
    return this.latest.get(sessionId);
  }

  commit(commit: Commit): Promise<CommitReply> {
    return this.writes.commit(commit);
  }

  isPending(sessionId: string, intentId: string): Promise<PendingReply> {
    return this.reads.isPending(sessionId, intentId);
  }

  history(sessionId: string, keys?: readonly string[]): Promise<HistoryEntry[]> {
    return this.reads.history(sessionId, keys);
  }

  timeline(sessionId: string, query: TimelinePageQuery = {}): Promise<TimelineEntry[]> {
    return this.reads.timeline(sessionId, query);
  }

  list(query: ListQuery): Promise<ListPage> {
    return listPage(this.redis, this.keys, this.reads, query);
  }

  lowerWake(sessionId: string, at: number): Promise<void> {
    return this.wakes.lower(sessionId, at);
  }

  moveWake(sessionId: string, from: number, to: number): Promise<boolean> {
    return this.wakes.move(sessionId, from, to);
  }

  dueWakes(now: number, limit: number): Promise<Wake[]> {
    return this.wakes.due(now, limit);
  }

  nextWake(): Promise<number | null> {
    return this.wakes.next();
  }

  wakeOf(sessionId: string): Promise<number | null> {
    return this.wakes.of(sessionId);
  }

  async putBlob(sessionId: string, bytes: Uint8Array): Promise<string> {
    const { keys } = this;
    // a copy: the bytes stay the caller's to change
    const copy = Buffer.from(bytes);
    const hash = createHash('sha256').update(copy).digest('hex');
    const touched = [keys.state(sessionId), keys.blobStem(sessionId) + hash, keys.blobs(sessionId)];
    await this.redis.run(putBlobMove, touched, [copy, hash, this.retentionMs]);
    return `blob:{${sessionId}}:${hash}`;
  }

  async getBlob(dataref: string): Promise<Uint8Array | null> {
    const key = this.keys.blobOf(dataref);
    if (key === null) return this.redis.ping().then(() => null);
    const bytes = await this.redis.call((redis) => redis.getBuffer(key));
    return bytes === null ? null : new Uint8Array(bytes);
  }

  watch(sessionId: string, changed: () => void): () => void {
    return this.watchers.add(sessionId, changed);
  }

  expire(endedBefore: number, limit: number): Promise<number> {
    return expireSessions(this.redis, this.keys, endedBefore, limit);
  }

  async drop(sessionId: string): Promise<void> {
    const snapshot = await this.load(sessionId);
    if (snapshot !== null) await dropSession(this.redis, this.keys, snapshot);
  }

  ping(): Promise<void> {
    return this.redis.ping();
  }

  async close(): Promise<void> {
    this.watchers.clear();
    this.latest.clear();
    await this.redis.close();
  }
}
