import { parseAddresses, type RedisAddress } from './addresses.js';
import { Channels } from './channels.js';
import { type Client, clusterClient, giveUpSilent, isCluster, sendTogether, singleClient } from './client.js';
import { closedError, faultOf, unavailable } from './faults.js';
import { type KeyPage, keyPage } from './key-walk.js';
import { Readiness } from './readiness.js';
import { DEFAULT_TIMEOUT_MS, type RedisOptions } from './redis.options.js';
import { type RedisScript, type ScriptArgument, type ScriptReply } from './script.js';
import { ServerClock } from './server-clock.js';
import { serverPromises, type ServerPromises } from './server-settings.js';

/** Between two tries of a call that met a server which is not able to answer it now. */
const PAUSE_MS = 50;

type Address = [RedisAddress, ...RedisAddress[]];

/**
 * A connection to a Redis or a Redis Cluster that comes back by itself, for ever. Calls made in the same turn travel
 * together. A call outlives a short outage: it is sent again until its time is over, and so may happen twice.
 *
 * Errors of every call: DormouseError `unavailable` (retryable; it may have happened or not), `closed`.
 */
export class RedisConnection {
  /** keys lie on several servers: a script may touch keys of one slot only */
  readonly cluster: boolean;
  private readonly readiness = new Readiness();
  private readonly clock: ServerClock;
  private channelsOfIt: Channels | undefined;
  private lastError: unknown = new Error('no connection yet');
  private closed = false;

  private constructor(
    private readonly client: Client,
    private readonly place: string,
    private readonly timeoutMs: number,
  ) {
    this.cluster = isCluster(client);
    this.clock = new ServerClock(async () => {
      const [seconds, micros] = await this.call((redis) => redis.time());
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    });
    client.on('ready', () => {
      this.clock.forget();
      this.readiness.set(true);
    });
    client.on('close', () => this.readiness.set(false));
    client.on('error', (error: unknown) => (this.lastError = error));
    // rejects when the first try fails; the later ones go on
    client.connect().catch((error: unknown) => (this.lastError = error));
  }

  /** @throws DormouseError `invalid_settings`; `unavailable` when no server answers within the time of a call */
  static async open({ url, timeoutMs = DEFAULT_TIMEOUT_MS }: RedisOptions): Promise<RedisConnection> {
    const addresses: Address = parseAddresses(url);
    const place = addresses.map(({ host, port }) => `${host}:${port}`).join(',');
    const clustered = (): Promise<RedisConnection> =>
      RedisConnection.connected(new RedisConnection(clusterClient(addresses, timeoutMs), place, timeoutMs));
    if (addresses.length > 1) return clustered();
    const single = await RedisConnection.connected(
      new RedisConnection(singleClient(addresses[0], timeoutMs), place, timeoutMs),
    );
    if (!(await single.isNodeOfCluster())) return single;
    await single.close();
    return clustered();
  }

  private static async connected(connection: RedisConnection): Promise<RedisConnection> {
    if (await connection.readiness.wait(connection.timeoutMs)) return connection;
    await connection.close();
    throw unavailable(connection.place, connection.lastError);
  }

  private async isNodeOfCluster(): Promise<boolean> {
    const info = await this.call((redis) => redis.info('cluster')).catch(() => '');
    return info.includes('cluster_enabled:1');
  }

  /** Calls `told` whenever a server has become reachable (again). */
  onReady(told: () => void): void {
    this.client.on('ready', told);
  }

  /** Runs a script; in a cluster all `keys` lie in one slot. */
  run(
    { lua, sha }: RedisScript,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<ScriptReply> {
    return this.call(async (redis) => {
      try {
        return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as ScriptReply;
      } catch (error) {
        // this server doesn't know it yet, or has forgotten it
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return (await redis.eval(lua, keys.length, ...keys, ...args)) as ScriptReply;
      }
    });
  }

  /** Sends what `send` sends, within the time of a call. */
  async call<T>(send: (redis: Client) => Promise<T>): Promise<T> {
    const end = performance.now() + this.timeoutMs;
    for (;;) {
      if (this.closed) throw closedError();
      try {
        sendTogether(this.client);
        return await send(this.client);
      } catch (error) {
        if (this.isClosed()) throw closedError();
        const fault = faultOf(error);
        if (fault === 'bug') throw error;
        this.lastError = error;
        giveUpSilent(this.client, error);
        if (fault === 'refused') throw unavailable(this.place, error);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const left = end - performance.now();
      if (left <= 0 || !(await this.readiness.wait(left))) {
        throw this.isClosed() ? closedError() : unavailable(this.place, this.lastError);
      }
    }
  }

  // a question, so that the compiler doesn't take the answer before an await for the one after it
  private isClosed(): boolean {
    return this.closed;
  }

  /** The server's clock, ms. */
  now(): Promise<number> {
    return this.closed ? Promise.reject(closedError()) : this.clock.now();
  }

  async ping(): Promise<void> {
    await this.call((redis) => redis.ping());
  }

  /** See {@link keyPage}. */
  keys(place: string | null, pattern: string, count: number): Promise<KeyPage> {
    return this.call((redis) => keyPage(redis, place, pattern, count));
  }

  promises(): Promise<ServerPromises> {
    return this.call((redis) => serverPromises(redis));
  }

  /** Messages from other processes, on a connection of their own, which is made when it is first asked for. */
  channels(): Channels {
    this.channelsOfIt ??= new Channels(this.client);
    return this.channelsOfIt;
  }

  /** Cuts the connection: what is under way may have happened or not, and is refused as `closed`. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.readiness.giveUp();
    this.channelsOfIt?.close();
    this.client.disconnect();
  }
}
