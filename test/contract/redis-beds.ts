import { Cluster, Redis } from 'ioredis';
import { SHARDS, shardOf } from '#redis';
import { createRedisSessionStore } from '#state';
import { type SessionBed, type TestBed, type WakeDamage, freshName } from '#testing';
import { realTime } from './real-time.js';

interface Closable {
  close(): Promise<void>;
}

/**
 * A key prefix that no other test has, on a Redis that they share. A crash cuts all connections at once, as the end of
 * their process would: what was under way reaches the server or not.
 */
export const redisBed =
  <Port extends Closable>(
    url: () => Promise<string>,
    open: (url: string, keyPrefix: string) => Promise<Port>,
  ) =>
  async (): Promise<TestBed<Port> & { keyPrefix: string }> => {
    const keyPrefix = `${freshName('bed')}:`;
    let opened: Port[] = [];
    const closeAll = async (): Promise<void> => {
      const all = opened;
      opened = [];
      await Promise.all(all.map((port) => port.close()));
    };
    return {
      keyPrefix,
      open: async () => {
        const port = await open(await url(), keyPrefix);
        opened.push(port);
        return port;
      },
      crash: closeAll,
      advance: realTime,
      dispose: closeAll,
    };
  };

/** Breaks the wake-ups of a store as anybody with a client can. */
const damageOf = (client: Redis | Cluster, keyPrefix: string): WakeDamage => {
  const part = (sessionId: string, further = 0): string =>
    `${keyPrefix}wake:${(shardOf(sessionId) + further) % SHARDS}`;
  return {
    remove: async (sessionId) => {
      await client.zrem(part(sessionId), sessionId);
    },
    set: async (sessionId, at) => {
      await client.zadd(part(sessionId), at, sessionId);
    },
    misplace: async (sessionId, at) => {
      await client.zadd(part(sessionId, 1), at, sessionId);
    },
    strays: true,
  };
};

const clientOf = (url: string): Redis | Cluster =>
  url.includes(',') ? new Cluster(url.split(',')) : new Redis(url);

/** As {@link redisBed}, for sessions. */
export const redisSessionBed = (url: () => Promise<string>) => async (): Promise<SessionBed> => {
  const bed = await redisBed(url, (at, keyPrefix) => createRedisSessionStore({ url: at, keyPrefix }))();
  const client = clientOf(await url());
  return {
    ...bed,
    wakes: damageOf(client, bed.keyPrefix),
    dispose: async () => {
      client.disconnect();
      await bed.dispose();
    },
  };
};
