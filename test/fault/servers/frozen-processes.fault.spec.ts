import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from '../../e2e/on-servers.js';
import { FaultRun } from './fault-run.js';
import { KAFKA_SESSION_MS, LEASE_MS } from './fleet.js';

/** By then others hold what the frozen process had: its claims and its partitions. */
const FROZEN_MS = 2 * Math.max(LEASE_MS, KAFKA_SESSION_MS);

let run: FaultRun | undefined;
beforeAll(async () => {
  await sharedServers();
}, SERVER_START_MS);
afterAll(() => run?.remove());

it('a dispatcher and a commander frozen beyond lease and session timeout change nothing when they go on', async () => {
  run = await FaultRun.start({
    name: 'frozen',
    servers: await sharedServers(),
    roles: ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'],
    // so that the freeze meets tools that run
    longestToolMs: 600,
  });
  const { fleet } = run;
  await run.progress();
  for (const role of ['dispatcher', 'commander', 'dispatcher'] as const) {
    const [victim] = fleet.of(role);
    await run.pause(500, 1_000);
    victim?.runtime.signal('SIGSTOP');
    await run.pause(FROZEN_MS, FROZEN_MS);
    await run.progress();
    await run.remember();
    victim?.runtime.signal('SIGCONT');
    run.say(`went on after ${FROZEN_MS} ms and more: ${role}`);
    await run.progress();
  }
  const { faults } = await run.verdict();
  expect({ seed: run.seed, faults }).toEqual({ seed: run.seed, faults: [] });
});
