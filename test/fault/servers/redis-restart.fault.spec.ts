import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { FaultRun } from './fault-run.js';

const KILLS = 3;

let redis: RedisServer;
let run: FaultRun | undefined;
beforeAll(async () => {
  redis = await startRedisServer({ appendfsync: 'always' });
}, SERVER_START_MS);
afterAll(async () => {
  await run?.remove();
  await redis.stop();
});

it('Redis killed and restarted under load', async () => {
  run = await FaultRun.start({
    name: 'redis',
    servers: { KAFKA_BROKERS: await sharedKafka(), REDIS_URL: redis.url },
    roles: ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'],
  });
  await run.progress();
  for (let kill = 0; kill < KILLS; kill++) {
    await run.pause(500, 2_000);
    await redis.kill9();
    // the last time it is away for longer than a lease
    const away: [number, number] = kill < KILLS - 1 ? [0, 1_500] : [4_000, 6_000];
    await run.pause(...away);
    await redis.restart();
    run.say('Redis is back');
    if (kill < KILLS - 1) await run.progress();
  }
  const { faults } = await run.verdict();
  expect({ seed: run.seed, faults }).toEqual({ seed: run.seed, faults: [] });
});
