import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CloudEvent, DEFAULT_TOPICS, EVENT_NAMES, type Outcome, type ToolCallData } from '#contracts';
import { Brains, CommanderService, DeadLetters, PlanBrain, Sessions, ThinkingSessions } from '#commander';
import type { ToolDefinition } from '#dispatcher';
import { createRedisClaimStore, type RedisClaimStore } from '#idempotency';
import { restore } from '#rebuild';
import {
  createRedisDeadLetterStore,
  createRedisDeliveryLedger,
  createRedisSessionStore,
  hasExpired,
  type RedisSessionStore,
} from '#state';
import { eventually } from '#testing';
import { type RedisServer, SERVER_START_MS, startRedisServer } from '#testing/servers';
import { encodeEvent, EventClient } from '#transport';
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
  const rebuilt = async (event: CloudEvent<ToolCallData>, outcome?: Outcome): Promise<void> => {
    const snapshot = await bed.sessions.load(event.subject ?? '');
    if (snapshot === null) throw new Error('the bed made no session');
    const [intent] = snapshot.pending;
    const known = [{ intentId: event.id, digest: intent?.digest ?? '', ...(outcome && { outcome }) }];
    const creation = { snapshot, timeline: [], wakeAt: 0 };
    await restore(sessions, claims, { kind: 'session', creation, steps: [], snapshot, known }, 60_000);
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

  it.each(['idempotent', 'irreversible'] as const)(
    'whose outcome only the log has is not run after a rebuild: it is told again (%s)',
    async (effect) => {
      const { tool, runs } = counting(effect);
      const event = await bed.intent('count', { effect });
      const times = { attempts: 1, started_at: '2026-01-27T10:00:00.000Z', duration_ms: 12 };
      await rebuilt(event, { status: 'succeeded', result: { run: 7 }, error: null, ...times });
      const { run, published } = bed.process([tool], { sessions, claims });
      await run(event);
      expect(published.map(({ data }) => data?.result)).toEqual([{ run: 7 }]);
      expect(runs()).toBe(0);
    },
  );
});

describe('beside the store that was emptied', () => {
  let rig: CommanderRig;
  const options = { events, topics: DEFAULT_TOPICS, brains: [], retentionMs: 60_000 };
  const brains = new Brains([new PlanBrain()]);
  beforeEach(async () => {
    rig = await CommanderRig.open();
  });
  afterEach(() => rig.close());

  it('an observation of ours whose session is not in it is not finished; a foreign one is', async () => {
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
    await observe(foreign);
    expect(commander.counts).toMatchObject({ expired: 0, foreign: 1 });
    await sessions.mark();
    await observe(created!);
    expect(commander.counts).toMatchObject({ expired: 1, foreign: 1 });
  });

  it('a submission with a key that the log may know is not begun anew; one without a key is a new session', async () => {
    const client = new EventClient(rig.transport);
    const thinking = new ThinkingSessions(sessions, options);
    const api = new Sessions(sessions, client, tools, brains, thinking, options);
    const submission = { plan: { steps: [{ id: 'a', tool: 'look' }] } };
    const keyed = { tenant: 'default', idempotencyKey: 'once' };
    // the second finds the snapshot that the first has left
    for (let i = 0; i < 2; i++) await expect(api.submit(submission, keyed)).rejects.toMatchObject(emptied);
    await api.submit(submission, { tenant: 'default' });
    await eventually(() => rig.observations.length > 0);
    expect(rig.observations).toHaveLength(1);
    await sessions.mark();
    const { snapshot } = await api.submit(submission, keyed);
    await eventually(() => rig.observations.some(({ subject }) => subject === snapshot.session_id));
  });

  it('a dead letter of a session that is not in it is not done with until that can be told', async () => {
    const letters = await createRedisDeadLetterStore({ url: server.url, retentionMs: 60_000 });
    const deliveries = await createRedisDeliveryLedger({ url: server.url, retentionMs: 60_000 });
    const deadLetters = new DeadLetters(letters, sessions, deliveries, rig.claims, rig.transport, options);
    const { session_id } = await rig.begin({ plan: { steps: [{ id: 'a', tool: 'look' }] } });
    const [event] = await eventually(() => rig.intents.length > 0 && rig.intents);
    const { key, value, headers = {} } = encodeEvent(DEFAULT_TOPICS.intent, event!);
    const record = {
      topic: DEFAULT_TOPICS.intent,
      partition: 0,
      offset: 0,
      key,
      value,
      headers,
      timestampMs: 0,
    };
    const facts = { reason: 'unknown_tool', error: 'told so', deliveries: 1, attempts: 0 };
    const keep = () => deadLetters.keep({ id: 'letter', record, facts, event: event! });
    await expect(keep()).rejects.toMatchObject(emptied);
    await sessions.create(creationOf(session_id));
    await keep();
    await eventually(() => rig.observations.some(({ type }) => type.endsWith(EVENT_NAMES.deadLetter)));
    await letters.close();
    await deliveries.close();
  });
});
