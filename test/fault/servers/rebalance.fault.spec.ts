import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from '../../e2e/on-servers.js';
import { FaultRun } from './fault-run.js';

const FOR_MS = 60_000;
const MOST_OF_A_ROLE = 3;

let run: FaultRun | undefined;
beforeAll(async () => {
  await sharedServers();
}, SERVER_START_MS);
afterAll(() => run?.remove());

it('commanders and dispatchers added and taken away every few seconds for a minute', async () => {
  run = await FaultRun.start({
    name: 'rebalance',
    servers: await sharedServers(),
    roles: ['api', 'commander', 'dispatcher', 'scheduler'],
    perSecond: 20,
  });
  const { fleet, random } = run;
  await run.progress();
  const end = performance.now() + FOR_MS;
  let changes = 0;
  while (performance.now() < end) {
    const role = random() < 0.5 ? 'commander' : 'dispatcher';
    const instances = fleet.of(role);
    const grows = instances.length === 1 || (instances.length < MOST_OF_A_ROLE && random() < 0.5);
    const victim = grows ? undefined : instances[Math.floor(random() * instances.length)];
    if (victim === undefined) await fleet.add(role);
    else expect(await fleet.takeAway(victim)).toBe(0);
    changes++;
    await run.pause(500, 2_500);
  }
  run.say(`${changes} instances came or went`);
  const { faults, parked } = await run.verdict();
  expect({ seed: run.seed, faults, parked }).toEqual({ seed: run.seed, faults: [], parked: 0 });
});
