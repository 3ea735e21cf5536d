/** How a driver reaches its Redis. */
export interface RedisOptions {
  /**
   * `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. Several, comma separated, name nodes of a
   * Redis Cluster; so does one alone whose server is a node of one.
   */
  url: string;
  /** before every key; default: nothing */
  keyPrefix?: string;
  /** a call that can't be answered for so long is refused as `unavailable`; default 5 s */
  timeoutMs?: number;
}

export const DEFAULT_TIMEOUT_MS = 5_000;
