import { beforeAll } from '@jest/globals';
import { createRedisClaimStore } from '#idempotency';
import { createRedisSessionStore } from '#state';
import { claimStoreContract, sessionStoreContract } from '#testing';
import { SERVER_START_MS, sharedRedisCluster } from '#testing/servers';
import { redisBed } from './redis-beds.js';

beforeAll(async () => {
  await sharedRedisCluster();
}, SERVER_START_MS);

claimStoreContract(
  'redis cluster',
  redisBed(sharedRedisCluster, (url, keyPrefix) => createRedisClaimStore({ url, keyPrefix })),
  { shared: true, clock: 'real', expires: 'by_itself' },
);
sessionStoreContract(
  'redis cluster',
  redisBed(sharedRedisCluster, (url, keyPrefix) => createRedisSessionStore({ url, keyPrefix })),
  { shared: true, clock: 'real', earlyWakes: true },
);
