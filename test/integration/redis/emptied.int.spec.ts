import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CloudEvent, DEFAULT_TOPICS, EVENT_NAMES, type ToolCallData } from '#contracts';
import { Brains, CommanderService, PlanBrain, ThinkingSessions } from '#commander';
import type { ToolDefinition } from '#dispatcher';
import { createRedisClaimStore, type RedisClaimStore } from '#idempotency';
import { restore } from '#rebuild';
import { createRedisSessionStore, hasExpired, type RedisSessionStore } from '#state';
import { eventually } from '#testing';
import { type RedisServer, SERVER_START_MS, startRedisServer } from '#testing/servers';
import { EventClient } from '#transport';
import { CommanderRig, tools } from '../commander/commander-rig.js';
import { DispatcherBed } from '../dispatcher/dispatcher-bed.js';
import { events } from '../rebuild/random-session.js';
import { creationOf } from './fixtures.js';

let server: RedisServer;
let sessions: RedisSessionStore;
let claims: RedisClaimStore;
beforeEach(async () => {
  server = await startRedisServer();
  sessions = await createRedisSessionStore({ url: server.url });
  claims = await createRedisClaimStore({ url: server.url });
}, SERVER_START_MS);
afterEach(async () => {
  await Promise.all([sessions.close(), claims.close()]);
  await server.stop();
});

const emptied = {
  code: 'store_emptied',
  retryable: true,
  message: expect.stringContaining('dormouse rebuild'),
};

it('a session that is not in a store without its mark has not expired', async () => {
  await expect(hasExpired(sessions, 'sess-x')).rejects.toMatchObject(emptied);
  await sessions.mark();
  expect(await hasExpired(sessions, 'sess-x')).toBe(true);
  const creation = creationOf();
  await sessions.create(creation);
  expect(await hasExpired(sessions, creation.snapshot.session_id)).toBe(false);
  await server.flushAll();
  await expect(hasExpired(sessions, creation.snapshot.session_id)).rejects.toMatchObject(emptied);
});

describe('an intent of ours whose session is not in the store', () => {
  let bed: DispatcherBed;
  beforeEach(async () => {
    bed = await DispatcherBed.open();
  });
  afterEach(() => bed.close());

  const counting = (effect: ToolDefinition['effect']): { tool: ToolDefinition; runs: () => number } => {
    let runs = 0;
    const tool: ToolDefinition = {
      name: 'count',
      description: 'counts its runs',
      parameters: { type: 'object' },
      effect,
      run: () => Promise.resolve({ run: ++runs }),
    };
    return { tool, runs: () => runs };
  };

  it.each(['pure', 'idempotent', 'irreversible'] as const)(
    'is neither run nor finished while the store is emptied (%s)',
    async (effect) => {
      const { tool, runs } = counting(effect);
      const { run, executor } = bed.process([tool], { sessions, claims });
      // its session is in another store than the dispatcher's
      const event = await bed.intent('count', { effect });
      await expect(run(event)).rejects.toMatchObject(emptied);
      expect([runs(), executor.counts.expired]).toEqual([0, 0]);
      await sessions.mark();
      await run(event);
      expect([runs(), executor.counts.expired]).toEqual([0, 1]);
    },
  );

  /** The session and what a rebuild knows of its intent, as it writes them. */
  const rebuilt = async (event: CloudEvent<ToolCallData>): Promise<void> => {
    const snapshot = await bed.sessions.load(event.subject ?? '');
    if (snapshot === null) throw new Error('the bed made no session');
    const [intent] = snapshot.pending;
    const unanswered = [{ intentId: event.id, digest: intent?.digest ?? '' }];
    const creation = { snapshot, timeline: [], wakeAt: 0 };
    await restore(sessions, claims, { kind: 'session', creation, steps: [], snapshot, unanswered });
    await sessions.mark();
  };

  it('whose tool ends while the store is emptied has its outcome recorded after the rebuild', async () => {
    let runs = 0;
    const tool: ToolDefinition = {
      ...counting('irreversible').tool,
      run: async () => {
        await server.flushAll();
        return { run: ++runs };
      },
    };
    const { run, published } = bed.process([tool], { sessions, claims });
    const event = await bed.intent('count');
    await rebuilt(event);
    await claims.forget([{ sessionId: event.subject ?? '', intentId: event.id }]);
    const running = run(event);
    await eventually(() => runs === 1);
    await eventually(() => sessions.isEmptied());
    expect(published).toEqual([]);
    await rebuilt(event);
    // the dispatcher looks again after a second
    await bed.clock.advance(1_500);
    await running;
    expect(published.map(({ data }) => data?.status)).toEqual(['succeeded']);
    expect(runs).toBe(1);
  });

  it('that may have been done is not run after a rebuild: unknown, after its deadline', async () => {
    const { tool, runs } = counting('irreversible');
    const event = await bed.intent('count', { deadlineMs: 1 });
    await rebuilt(event);
    const { run, published } = bed.process([tool], { sessions, claims });
    await run(event);
    expect(published.map(({ data }) => data?.status)).toEqual(['unknown']);
    expect(runs()).toBe(0);
    // a second rebuild finds what was recorded since
    await rebuilt(event);
    await run(event);
    expect(published.map(({ data }) => data?.status)).toEqual(['unknown', 'unknown']);
  });
});

it('an observation of ours whose session is not in the store is not finished; a foreign one is', async () => {
  const rig = await CommanderRig.open();
  try {
    const brains = new Brains([new PlanBrain()]);
    const options = { events, topics: DEFAULT_TOPICS, brains: [], retentionMs: 60_000 };
    const thinking = new ThinkingSessions(sessions, options);
    const client = new EventClient(rig.transport);
    const commander = new CommanderService(sessions, claims, client, tools, brains, thinking, options);
    // in the rig's own store, and so lost to this commander
    await rig.submit({ plan: { steps: [{ id: 'a', tool: 'look' }] } });
    const [created] = await eventually(() => rig.observations.length > 0 && rig.observations);
    const observe = (event: CloudEvent) =>
      commander.observe(EVENT_NAMES.sessionCreated, event, () => new AbortController().signal);
    await expect(observe(created!)).rejects.toMatchObject(emptied);
    const { deploymentid: _, ...foreign } = created!;
    await observe(foreign as CloudEvent);
    expect(commander.counts).toMatchObject({ expired: 0, foreign: 1 });
    await sessions.mark();
    await observe(created!);
    expect(commander.counts).toMatchObject({ expired: 1, foreign: 1 });
  } finally {
    await rig.close();
  }
});
