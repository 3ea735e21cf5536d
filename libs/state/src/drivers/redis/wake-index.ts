import { type RedisConnection } from '#redis';
import type { Wake } from '../../port.js';
import { firstEntriesMove } from './moves/first-entries.lua.js';
import { lowerEntryMove } from './moves/lower-entry.lua.js';
import { lowerWakeMove } from './moves/lower-wake.lua.js';
import { moveEntryMove } from './moves/move-entry.lua.js';
import { type SessionKeys } from './session-keys.js';

/** An entry of an index by time. */
export interface TimedEntry {
  member: string;
  at: number;
}

/** The earliest entries of an index in parts, in order, at most `limit`. On a single server one call asks all parts. */
export const firstEntries = async (
  redis: RedisConnection,
  parts: readonly string[],
  upTo: string,
  limit: number,
): Promise<TimedEntry[]> => {
  const calls = redis.cluster ? parts.map((part) => [part]) : [parts];
  const replies = await Promise.all(calls.map((keys) => redis.run(firstEntriesMove, keys, [upTo, limit])));
  const flat = (replies as string[][]).flat();
  const entries: TimedEntry[] = [];
  for (let i = 0; i < flat.length; i += 2) entries.push({ member: flat[i] ?? '', at: Number(flat[i + 1]) });
  return entries.sort((a, b) => a.at - b.at).slice(0, limit);
};

/** Wake-ups: session ids by time, in parts that on a cluster lie elsewhere than their sessions. */
export class WakeIndex {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: SessionKeys,
  ) {}

  async of(sessionId: string): Promise<number | null> {
    const at = await this.redis.call((redis) => redis.zscore(this.keys.wake(sessionId), sessionId));
    return at === null ? null : Number(at);
  }

  async due(now: number, limit: number): Promise<Wake[]> {
    const entries = await firstEntries(this.redis, this.keys.wakes(), String(now), limit);
    return entries.map(({ member, at }) => ({ sessionId: member, at }));
  }

  async next(): Promise<number | null> {
    const [first] = await firstEntries(this.redis, this.keys.wakes(), '+inf', 1);
    return first?.at ?? null;
  }

  /** For an unfinished session: sets the entry if it is later or missing. */
  async lower(sessionId: string, at: number): Promise<void> {
    const wake = this.keys.wake(sessionId);
    if (!this.redis.cluster) {
      await this.redis.run(lowerWakeMove, [wake, this.keys.state(sessionId)], [sessionId, at]);
      return;
    }
    if (!(await this.isUnfinished(sessionId))) return;
    await this.redis.run(lowerEntryMove, [wake], [sessionId, at, 1]);
    // it may have ended in between
    if (!(await this.isUnfinished(sessionId))) await this.remove(sessionId);
  }

  async move(sessionId: string, from: number, to: number): Promise<boolean> {
    const wake = this.keys.wake(sessionId);
    const keys = this.redis.cluster ? [wake] : [wake, this.keys.state(sessionId)];
    if ((await this.redis.run(moveEntryMove, keys, [sessionId, from, to, 0])) !== 1) return false;
    if (!this.redis.cluster || (await this.isUnfinished(sessionId))) return true;
    await this.remove(sessionId);
    return false;
  }

  /**
   * On a cluster, before a write that sets the wake-up to `at`: makes sure that no crash leaves a later one. With `make`
   * the entry is made when it is missing. Returns what the entry is now.
   */
  async lowerBefore(sessionId: string, at: number, make: boolean): Promise<number | null> {
    const args = [sessionId, at, make ? 1 : 0];
    const now = await this.redis.run(lowerEntryMove, [this.keys.wake(sessionId)], args);
    return now === null ? null : Number(now);
  }

  /**
   * On a cluster, after that write: to the session's own next time, if the entry still is what it was lowered to, or is
   * gone (a sweeper that found no session yet).
   */
  async settleAfter(sessionId: string, lowered: number | null, at: number): Promise<void> {
    const args = [sessionId, lowered ?? '', at, 1];
    await this.redis.run(moveEntryMove, [this.keys.wake(sessionId)], args);
  }

  async remove(sessionId: string): Promise<void> {
    await this.redis.call((redis) => redis.zrem(this.keys.wake(sessionId), sessionId));
  }

  private async isUnfinished(sessionId: string): Promise<boolean> {
    const [version, ended] = await this.redis.call((redis) =>
      redis.hmget(this.keys.state(sessionId), 'version', 'ended'),
    );
    return typeof version === 'string' && ended === null;
  }
}
