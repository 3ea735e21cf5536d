import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type KafkaServer, SERVER_START_MS, sharedRedis, startKafkaServer } from '#testing/servers';
import { FaultRun } from './fault-run.js';

const KILLS = 2;

let kafka: KafkaServer;
let run: FaultRun | undefined;
beforeAll(async () => {
  kafka = await startKafkaServer();
}, SERVER_START_MS);
afterAll(async () => {
  await run?.remove();
  await kafka.stop();
});

it('the broker killed and restarted under load', async () => {
  run = await FaultRun.start({
    name: 'broker',
    servers: { KAFKA_BROKERS: kafka.brokers, REDIS_URL: await sharedRedis() },
    roles: ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'],
  });
  await run.progress();
  for (let kill = 0; kill < KILLS; kill++) {
    await run.pause(500, 2_000);
    await kafka.kill9();
    await run.pause(500, 4_000);
    await kafka.restart();
    run.say('the broker is back');
    if (kill < KILLS - 1) await run.progress();
  }
  const { faults, parked } = await run.verdict();
  expect({ seed: run.seed, faults, parked }).toEqual({ seed: run.seed, faults: [], parked: 0 });
});
