import type { RedisOptions } from '#redis';

export interface RedisStateOptions extends RedisOptions {
  /** how long the server keeps a session after its end if nobody calls `expire`; default 7 days */
  retentionMs?: number;
}

const DAY_MS = 86_400_000;
export const DEFAULT_RETENTION_MS = 7 * DAY_MS;
