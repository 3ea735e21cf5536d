import type { RedisSessionStore } from './redis-session-store.js';
import type { RedisStateOptions } from './redis-state.options.js';

/**
 * Connects to the Redis that `options.url` names. The client is loaded here, so that who has no Redis never loads it.
 * @throws DormouseError `invalid_settings`; `unavailable` when no server answers
 */
export const createRedisSessionStore = async (options: RedisStateOptions): Promise<RedisSessionStore> => {
  const driver = await import('./redis-session-store.js');
  return driver.RedisSessionStore.open(options);
};
