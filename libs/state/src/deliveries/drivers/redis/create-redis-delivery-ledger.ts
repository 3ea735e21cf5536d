import type { RedisOptions } from '#redis';
import type { RedisDeliveryLedger } from './redis-delivery-ledger.js';

/**
 * Connects to the Redis that `options.url` names. The client is loaded here, so that who has no Redis never loads it.
 * @throws DormouseError `invalid_settings`; `unavailable` when no server answers
 */
export const createRedisDeliveryLedger = async (
  options: RedisOptions & { retentionMs: number },
): Promise<RedisDeliveryLedger> => {
  const driver = await import('./redis-delivery-ledger.js');
  return driver.RedisDeliveryLedger.open(options);
};
