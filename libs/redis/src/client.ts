import { type Writable } from 'node:stream';
import { Cluster, type ClusterOptions, Redis, type RedisOptions as ClientOptions } from 'ioredis';
import { type RedisAddress } from './addresses.js';

/** ioredis on one server or on a cluster. */
export type Client = Redis | Cluster;
export const isCluster = (client: Client): client is Cluster => client instanceof Cluster;

const CONNECT_TIMEOUT_MS = 3_000;
const MAX_BACKOFF_MS = 2_000;

/** For ever, at first at once: a restarted server is soon back. Jitter, so that not all come at the same moment. */
const backoff = (times: number): number =>
  Math.min(MAX_BACKOFF_MS, 20 * 2 ** Math.min(times, 8)) * (0.5 + Math.random() / 2);

const credentials = ({ username, password, tls }: RedisAddress): ClientOptions => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  ...(tls ? { tls: {} } : {}),
});

const common = (timeoutMs: number): ClientOptions => ({
  connectTimeout: CONNECT_TIMEOUT_MS,
  commandTimeout: timeoutMs,
  // what was under way when a connection broke is sent again: every move of ours may arrive twice
  maxRetriesPerRequest: null,
  // after a failover this server may be a replica: its name leads to the new one
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
});

/** Not connected yet. Calls made while it isn't are refused at once: waiting is its owner's. */
export const singleClient = (address: RedisAddress, timeoutMs: number): Redis =>
  new Redis({
    ...common(timeoutMs),
    ...credentials(address),
    host: address.host,
    port: address.port,
    db: address.db,
    retryStrategy: backoff,
    lazyConnect: true,
    enableOfflineQueue: false,
  });

const corked = new WeakSet<object>();

/**
 * Lets what is sent until the end of this turn leave in one write. On one server it is cheaper than the client's own
 * pipelines, by a fifth of the time that a move costs this process.
 */
export const sendTogether = (client: Client): void => {
  if (isCluster(client)) return;
  const { stream } = client as { stream?: Writable };
  if (stream === undefined || corked.has(stream)) return;
  corked.add(stream);
  stream.cork();
  process.nextTick(() => {
    corked.delete(stream);
    stream.uncork();
  });
};

/**
 * After a command that had no answer in its time: the server may be gone without a word, and then the connection would
 * stay as it is for many minutes. (The client's own time limit for a connection costs on every command; a cluster's
 * connections have it, since nobody else sees which of them is silent.)
 */
export const giveUpSilent = (client: Client, error: unknown): void => {
  if (isCluster(client) || client.status !== 'ready') return;
  if (error instanceof Error && error.message === 'Command timed out') client.disconnect(true);
};

/** As {@link singleClient}, on the cluster that the addresses are nodes of. */
export const clusterClient = (
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  timeoutMs: number,
): Cluster => {
  const options: ClusterOptions = {
    clusterRetryStrategy: backoff,
    lazyConnect: true,
    enableOfflineQueue: false,
    // finds out which of the commands of a turn go to the same server
    enableAutoPipelining: true,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // a server that is gone without a word: its connection is given up, not only the command
    redisOptions: { ...common(timeoutMs), ...credentials(addresses[0]), socketTimeout: timeoutMs * 2 },
  };
  return new Cluster(
    addresses.map(({ host, port }) => ({ host, port })),
    options,
  );
};
