import { beforeAll } from '@jest/globals';
import { createRedisClaimStore, createRedisSlotStore } from '#idempotency';
import { createRedisDeadLetterStore, createRedisDeliveryLedger } from '#state';
import {
  claimStoreContract,
  deadLetterStoreContract,
  deliveryLedgerContract,
  sessionStoreContract,
  slotStoreContract,
  SUITE_DEAD_LETTER_RETENTION_MS,
  SUITE_DELIVERY_RETENTION_MS,
} from '#testing';
import { SERVER_START_MS, sharedRedis } from '#testing/servers';
import { redisBed, redisSessionBed } from './redis-beds.js';

beforeAll(async () => {
  await sharedRedis();
}, SERVER_START_MS);

claimStoreContract(
  'redis',
  redisBed(sharedRedis, (url, keyPrefix) => createRedisClaimStore({ url, keyPrefix })),
  { shared: true, clock: 'real', expires: 'by_itself' },
);
sessionStoreContract('redis', redisSessionBed(sharedRedis), { shared: true, clock: 'real' });
deadLetterStoreContract(
  'redis',
  redisBed(sharedRedis, (url, keyPrefix) =>
    createRedisDeadLetterStore({ url, keyPrefix, retentionMs: SUITE_DEAD_LETTER_RETENTION_MS }),
  ),
  { shared: true, clock: 'real' },
);
deliveryLedgerContract(
  'redis',
  redisBed(sharedRedis, (url, keyPrefix) =>
    createRedisDeliveryLedger({ url, keyPrefix, retentionMs: SUITE_DELIVERY_RETENTION_MS }),
  ),
  { shared: true },
);
slotStoreContract(
  'redis',
  redisBed(sharedRedis, (url, keyPrefix) => createRedisSlotStore({ url, keyPrefix })),
  { shared: true, clock: 'real' },
);
