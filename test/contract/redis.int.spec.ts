import { beforeAll } from '@jest/globals';
import { createRedisClaimStore } from '#idempotency';
import { createRedisSessionStore } from '#state';
import { claimStoreContract, sessionStoreContract } from '#testing';
import { SERVER_START_MS, sharedRedis } from '#testing/servers';
import { redisBed } from './redis-beds.js';

beforeAll(async () => {
  await sharedRedis();
}, SERVER_START_MS);

claimStoreContract(
  'redis',
  redisBed(sharedRedis, (url, keyPrefix) => createRedisClaimStore({ url, keyPrefix })),
  { shared: true, clock: 'real', expires: 'by_itself' },
);
sessionStoreContract(
  'redis',
  redisBed(sharedRedis, (url, keyPrefix) => createRedisSessionStore({ url, keyPrefix })),
  { shared: true, clock: 'real' },
);
