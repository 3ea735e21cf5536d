import type { Snapshot } from '#contracts';
import { type RedisConnection } from '#redis';
import { dropSessionMove } from './moves/drop-session.lua.js';
import { endedMember, listMember, readEndedMember, type SessionKeys } from './session-keys.js';
import { firstEntries } from './wake-index.js';

/** Deletes all of the sessions that ended before `endedBefore`, at most `limit`; returns how many were still there. */
export const expireSessions = async (
  redis: RedisConnection,
  keys: SessionKeys,
  endedBefore: number,
  limit: number,
): Promise<number> => {
  const due = await firstEntries(redis, keys.endings(), `(${endedBefore}`, limit);
  const dropped = await Promise.all(
    due.map(async ({ member }) => {
      const { sessionId: id, tenant, createdAt } = readEndedMember(member);
      const [was] = await Promise.all([
        redis.run(dropSessionMove, keys.all(id), [keys.blobStem(id)]),
        redis.call((client) => client.zrem(keys.wake(id), id)),
        redis.call((client) => client.zrem(keys.list(tenant), listMember(createdAt, id))),
      ]);
      // last: as long as it is there, the rest is done again
      await redis.call((client) => client.zrem(keys.ended(id), member));
      return Number(was);
    }),
  );
  return dropped.reduce((sum, was) => sum + was, 0);
};

/** Deletes all of a session but its payloads. */
export const dropSession = async (
  redis: RedisConnection,
  keys: SessionKeys,
  { session_id: id, fixed: { tenant, created_at } }: Snapshot,
): Promise<void> => {
  await Promise.all([
    redis.call((client) => client.zrem(keys.wake(id), id)),
    redis.call((client) => client.zrem(keys.list(tenant), listMember(created_at, id))),
    redis.call((client) => client.zrem(keys.ended(id), endedMember(id, tenant, created_at))),
  ]);
  // last: as long as it is there, the rest is done again
  await redis.call((client) => client.unlink(keys.state(id), keys.history(id), keys.timeline(id)));
};
