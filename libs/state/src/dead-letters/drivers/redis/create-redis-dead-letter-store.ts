import type { RedisOptions } from '#redis';
import type { RedisDeadLetterStore } from './redis-dead-letter-store.js';

/**
 * Connects to the Redis that `options.url` names. The client is loaded here, so that who has no Redis never loads it.
 * @throws DormouseError `invalid_settings`; `unavailable` when no server answers
 */
export const createRedisDeadLetterStore = async (
  options: RedisOptions & { retentionMs: number },
): Promise<RedisDeadLetterStore> => {
  const driver = await import('./redis-dead-letter-store.js');
  return driver.RedisDeadLetterStore.open(options);
};
