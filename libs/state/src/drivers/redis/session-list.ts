import type { Snapshot } from '#contracts';
import { type RedisConnection } from '#redis';
import { cursorOf, invalidCursor, LOOKED_AT, timePart } from '../../list-place.js';
import type { ListPage, ListQuery } from '../../port.js';
import type { SessionKeys } from './session-keys.js';
import { type SessionReads } from './session-reads.js';

/** Loaded together: a page that is full early has not loaded all it could look at. */
const TOGETHER = 100;
/** On a cluster a session is listed before it is there: only an entry that is so old has none any more. */
const SURELY_GONE_MS = 3_600_000;
const CURSOR = /^(\d{15})\|(.+)$/s;

const splitMember = (member: string): { createdAt: number; sessionId: string } | null => {
  const [, createdAt, sessionId] = CURSOR.exec(member) ?? [];
  return sessionId === undefined ? null : { createdAt: Number(createdAt), sessionId };
};

const matches = ({ fixed, status }: Snapshot, query: ListQuery): boolean =>
  (query.status === undefined || status === query.status) &&
  Object.entries(query.metadata ?? {}).every(([name, value]) => fixed.submission.metadata?.[name] === value);

const decodeCursor = (cursor: string): string => {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (splitMember(text) === null) throw invalidCursor(cursor);
  return text;
};

/** One page of a tenant's sessions, newest first. @throws DormouseError `invalid_cursor` */
export const listPage = async (
  redis: RedisConnection,
  keys: SessionKeys,
  reads: SessionReads,
  query: ListQuery,
): Promise<ListPage> => {
  const { tenant, status, metadata, createdAfter, limit, cursor } = query;
  const list = keys.list(tenant);
  const top = cursor === undefined ? '+' : `(${decodeCursor(cursor)}`;
  const bottom = createdAfter === undefined ? '-' : `[${timePart(createdAfter + 1)}`;
  const most = status === undefined && metadata === undefined ? limit : Math.max(limit, LOOKED_AT);
  // one more tells whether another page follows
  const found = await redis.call((client) => client.zrevrangebylex(list, top, bottom, 'LIMIT', 0, most + 1));
  const members = found.slice(0, most);

  const snapshots: Snapshot[] = [];
  let looked = 0;
  for (; looked < members.length && snapshots.length < limit;) {
    const part = members.slice(looked, looked + TOGETHER);
    const loaded = await Promise.all(part.map((member) => reads.load(splitMember(member)?.sessionId ?? '')));
    for (const snapshot of loaded) {
      if (snapshots.length === limit) break;
      looked++;
      if (snapshot !== null && matches(snapshot, query)) snapshots.push(snapshot);
    }
    forgetGone(
      redis,
      list,
      part.filter((_, i) => loaded[i] === null),
    );
  }
  const last = members[looked - 1];
  if (last === undefined || looked === found.length) return { snapshots };
  return { snapshots, nextCursor: cursorOf(last) };
};

/** Sessions that the server forgot by itself are still listed: nobody waits for it to end. */
const forgetGone = (redis: RedisConnection, list: string, members: readonly string[]): void => {
  if (members.length === 0) return;
  redis
    .now()
    .then(async (now) => {
      const old = members.filter((member) => now - (splitMember(member)?.createdAt ?? now) > SURELY_GONE_MS);
      if (old.length > 0) await redis.call((client) => client.zrem(list, ...old));
    })
    .catch(() => undefined);
};
