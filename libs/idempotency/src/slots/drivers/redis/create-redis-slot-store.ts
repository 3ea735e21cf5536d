import type { RedisOptions } from '#redis';
import type { RedisSlotStore } from './redis-slot-store.js';

/**
 * Connects to the Redis that `options.url` names. The client is loaded here, so that who has no Redis never loads it.
 * @throws DormouseError `invalid_settings`; `unavailable` when no server answers
 */
export const createRedisSlotStore = async (options: RedisOptions): Promise<RedisSlotStore> => {
  const driver = await import('./redis-slot-store.js');
  return driver.RedisSlotStore.open(options);
};
