import { type HistoryEntry, RECORD_VERSION, type Snapshot, type TimelineEntry } from '#contracts';
import { checkVersion, type RedisConnection } from '#redis';
import type { PendingReply, TimelinePageQuery } from '../../port.js';
import { presentEntry } from '../../present-entry.js';
import { type LatestSnapshots } from './latest-snapshots.js';
import { isPendingMove } from './moves/is-pending.lua.js';
import { decodeHistory, decodeSnapshot, decodeTimeline, plain } from './session-codec.js';
import { type SessionKeys } from './session-keys.js';

/** Looks at one session, in one round trip (a timeline that refers to the history: two). */
export class SessionReads {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: SessionKeys,
    private readonly latest: LatestSnapshots,
  ) {}

  async load(sessionId: string): Promise<Snapshot | null> {
    const key = this.keys.state(sessionId);
    const [fixed, head] = await this.redis.call((redis) => redis.hmget(key, 'fixed', 'head'));
    const snapshot = decodeSnapshot(fixed, head);
    if (snapshot !== null) this.latest.add(snapshot, fixed?.length ?? 0, head?.length ?? 0);
    return snapshot;
  }

  async isPending(sessionId: string, intentId: string): Promise<PendingReply> {
    const args = [RECORD_VERSION, plain(intentId)];
    const reply = await this.redis.run(isPendingMove, [this.keys.state(sessionId)], args);
    const [kind, first, cancel] = reply as string[];
    switch (kind) {
      case 'pending':
        return { kind, digest: first ?? '', cancelRequested: cancel === '1' };
      case 'newer_version':
        checkVersion(Number(first), RECORD_VERSION, 'a snapshot');
        break;
      case 'not_pending':
      case 'no_session':
        return { kind };
      default:
    }
    throw new Error(`expected an answer of a script of ours, got ${String(kind)}`);
  }

  async history(sessionId: string, keys?: readonly string[]): Promise<HistoryEntry[]> {
    if (keys?.length === 0) return this.redis.ping().then(() => []);
    const key = this.keys.history(sessionId);
    const texts = await this.redis.call((redis) =>
      keys === undefined ? redis.hvals(key) : redis.hmget(key, ...new Set(keys)),
    );
    return texts
      .filter((text) => text !== null)
      .map(decodeHistory)
      .sort((a, b) => a.n - b.n);
  }

  async timeline(
    sessionId: string,
    { after = 0, limit = Infinity }: TimelinePageQuery,
  ): Promise<TimelineEntry[]> {
    if (limit <= 0) return [];
    const key = this.keys.timeline(sessionId);
    // the entry with seq n is the nth
    const last = Number.isFinite(limit) ? after + limit - 1 : -1;
    const texts = await this.redis.call((redis) => redis.lrange(key, after, last));
    const entries = texts.map(decodeTimeline);
    const wanted = entries.flatMap(({ history_key: name }) => (name === undefined ? [] : [name]));
    const held = wanted.length === 0 ? [] : await this.history(sessionId, wanted);
    const byKey = new Map(held.map((entry) => [entry.key, entry]));
    return entries.map((entry) =>
      presentEntry(entry, entry.history_key === undefined ? undefined : byKey.get(entry.history_key)),
    );
  }
}
