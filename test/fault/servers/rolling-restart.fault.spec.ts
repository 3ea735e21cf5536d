import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { SessionView, Timeline } from '#contracts';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from '../../e2e/on-servers.js';
import { BalancedClient } from './api-client.js';
import { FaultRun } from './fault-run.js';
import { Follower } from './follower.js';

const asJson = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

let run: FaultRun | undefined;
beforeAll(async () => {
  await sharedServers();
}, SERVER_START_MS);
afterAll(() => run?.remove());

/** It has entries for as long as anybody restarts anything, and is cancelled then. */
const LONG = {
  plan: {
    steps: Array.from({ length: 400 }, (_, n) => ({ id: `s${n}`, tool: 'wait', parameters: { ms: 200 } })),
  },
};
const FOLLOWED = 4;

it('every instance restarted, one after the other, under load: no request fails, and live events lack nothing', async () => {
  let client: BalancedClient | undefined;
  run = await FaultRun.start({
    name: 'rolling',
    servers: await sharedServers(),
    roles: ['api', 'api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler', 'scheduler'],
    client: async (fleet) => (client = await BalancedClient.open(fleet)),
  });
  await run.progress();
  const followers = await Promise.all(
    Array.from({ length: FOLLOWED }, async () => {
      const { session_id: id } = await client!.call<SessionView>('/v1/sessions', 202, asJson(LONG));
      return { id, follower: new Follower(client!, id) };
    }),
  );
  for (const { role, runtime } of run.fleet.all()) {
    const since = performance.now();
    expect({ role, code: await runtime.end('SIGTERM') }).toEqual({ role, code: 0 });
    const endedMs = performance.now() - since;
    await runtime.start();
    run.say(
      `${role} ended within ${Math.round(endedMs)} ms, was back after ${Math.round(performance.now() - since)} ms`,
    );
  }
  for (const { id, follower } of followers) {
    await client!.call(`/v1/sessions/${id}/cancel`, 202, asJson({}));
    await follower.ended;
    const { entries } = await client!.call<Timeline>(`/v1/sessions/${id}/timeline`, 200);
    // those that it had while an instance of the api was restarted are among them
    expect(follower.streams).toBeGreaterThan(1);
    expect(follower.entries.slice(0, entries.length)).toEqual(entries);
    expect(follower.entries.map(({ seq }) => seq)).toEqual(follower.entries.map((_, i) => i + 1));
  }
  // a request that failed rejects here
  const { faults, parked } = await run.verdict();
  expect({ seed: run.seed, faults, parked }).toEqual({ seed: run.seed, faults: [], parked: 0 });
});
