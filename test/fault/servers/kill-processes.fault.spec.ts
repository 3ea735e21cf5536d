import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from '../../e2e/on-servers.js';
import { FaultRun } from './fault-run.js';
import type { FleetRole } from './fleet.js';

/** Each is killed so often, in a random order: an instance of it, any. */
const KILLS: readonly FleetRole[] = [
  ...['api', 'commander', 'dispatcher', 'scheduler', 'commander', 'dispatcher'],
  ...['api', 'commander', 'dispatcher', 'scheduler'],
] as FleetRole[];

let run: FaultRun | undefined;
beforeAll(async () => {
  await sharedServers();
}, SERVER_START_MS);
afterAll(() => run?.remove());

it('kill -9 of api, commander, dispatcher and scheduler at random under load', async () => {
  run = await FaultRun.start({
    name: 'kill-processes',
    servers: await sharedServers(),
    roles: ['api', 'api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'],
  });
  const { random, fleet } = run;
  await run.progress();
  const left = [...KILLS];
  while (left.length > 0) {
    const [role] = left.splice(Math.floor(random() * left.length), 1);
    const instances = fleet.of(role ?? 'api');
    const victim = instances[Math.floor(random() * instances.length)];
    await run.pause(100, 800);
    await victim?.runtime.end('SIGKILL');
    await victim?.runtime.start();
    run.say(`killed and restarted: ${String(role)}`);
  }
  const { faults } = await run.verdict();
  expect({ seed: run.seed, faults }).toEqual({ seed: run.seed, faults: [] });
});
