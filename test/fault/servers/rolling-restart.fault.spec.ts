import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from '../../e2e/on-servers.js';
import { BalancedClient } from './api-client.js';
import { FaultRun } from './fault-run.js';

let run: FaultRun | undefined;
beforeAll(async () => {
  await sharedServers();
}, SERVER_START_MS);
afterAll(() => run?.remove());

it('every instance restarted, one after the other, under load: no request fails', async () => {
  run = await FaultRun.start({
    name: 'rolling',
    servers: await sharedServers(),
    roles: ['api', 'api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler', 'scheduler'],
    client: BalancedClient.open,
  });
  await run.progress();
  for (const { role, runtime } of run.fleet.all()) {
    const since = performance.now();
    expect({ role, code: await runtime.end('SIGTERM') }).toEqual({ role, code: 0 });
    const endedMs = performance.now() - since;
    await runtime.start();
    run.say(
      `${role} ended within ${Math.round(endedMs)} ms, was back after ${Math.round(performance.now() - since)} ms`,
    );
  }
  // a request that failed rejects here
  const { faults, parked } = await run.verdict();
  expect({ seed: run.seed, faults, parked }).toEqual({ seed: run.seed, faults: [], parked: 0 });
});
