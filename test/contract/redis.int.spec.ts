import { beforeAll, describe } from '@jest/globals';
import { createRedisClaimStore } from '#idempotency';
import { claimStoreContract } from '#testing';
import { SERVER_START_MS, sharedRedis, sharedRedisCluster } from '#testing/servers';
import { redisBed } from './redis-beds.js';

const servers = [
  ['redis', sharedRedis],
  ['redis cluster', sharedRedisCluster],
] as const;

describe.each(servers)('%s', (name, url) => {
  beforeAll(async () => {
    await url();
  }, SERVER_START_MS);

  claimStoreContract(
    name,
    redisBed(url, (at, keyPrefix) => createRedisClaimStore({ url: at, keyPrefix })),
    { shared: true, clock: 'real', expires: 'by_itself' },
  );
});
