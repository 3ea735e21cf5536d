import type { RedisOptions } from '#redis';
import type { RedisClaimStore } from './redis-claim-store.js';

/**
 * Connects to the Redis that `options.url` names. The client is loaded here, so that who has no Redis never loads it.
 * @throws DormouseError `invalid_settings`; `unavailable` when no server answers
 */
export const createRedisClaimStore = async (options: RedisOptions): Promise<RedisClaimStore> => {
  const driver = await import('./redis-claim-store.js');
  return driver.RedisClaimStore.open(options);
};
