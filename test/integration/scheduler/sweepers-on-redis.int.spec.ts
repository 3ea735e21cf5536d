import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { type CloudEvent, type PendingIntent, RECORD_VERSION, type ToolCatalogue } from '#contracts';
import { registeredTool, ToolRegistry, waitTool } from '#dispatcher';
import { createRedisClaimStore, intentDigest } from '#idempotency';
import { Sweeper } from '#scheduler';
import { createRedisSessionStore, type RedisSessionStore } from '#state';
import { eventually, freshName } from '#testing';
import { SERVER_START_MS, sharedRedis } from '#testing/servers';
import type { EventClient } from '#transport';

const TIMERS = 10_000;
const SWEEPERS = 3;
const WAIT_MS = 1_000;

const cleanups: (() => unknown)[] = [];
const later = <T>(thing: T, end: (thing: T) => unknown): T => {
  cleanups.unshift(() => end(thing));
  return thing;
};
afterEach(async () => {
  for (const end of cleanups.splice(0)) await end();
});
beforeAll(async () => {
  await sharedRedis();
}, SERVER_START_MS);

const events = { source: '/scheduler/test', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };

const tools = (): ToolCatalogue => {
  const registry = new ToolRegistry();
  registry.add(registeredTool(waitTool, 'test'));
  return registry;
};

interface Scheduler {
  sweeper: Sweeper;
  /** ids of the events that it published */
  published: string[];
}

/** As a process of its own has them: connections, and a log that takes a moment. */
const scheduler = async (redis: { url: string; keyPrefix: string }): Promise<Scheduler> => {
  const sessions = later(await createRedisSessionStore(redis), (s) => s.close());
  const claims = later(await createRedisClaimStore(redis), (s) => s.close());
  const published: string[] = [];
  const client = {
    publish: async (_topic: string, batch: readonly CloudEvent[]) => {
      await new Promise((resolve) => setImmediate(resolve));
      published.push(...batch.map(({ id }) => id));
    },
  };
  const sweeper = new Sweeper(sessions, claims, client as unknown as EventClient, tools(), {
    events,
    topics: { intent: 'agent.intent', observation: 'agent.observation' },
    leaseMs: 30_000,
    retentionMs: 600_000,
    inlineLimitBytes: 10_000,
  });
  later(sweeper, (s) => s.onModuleDestroy());
  return { sweeper, published };
};

/** A session that waits for a timer; returns the timer's intent. */
const asleep = async (sessions: RedisSessionStore, emittedAt: number): Promise<string> => {
  const id = freshName('sess');
  const parameters = { ms: WAIT_MS };
  const intent: PendingIntent = {
    intent_id: `${id}.1.0`,
    tool: 'wait',
    parameters,
    digest: intentDigest('wait', parameters),
    effect: 'pure',
    step: 1,
    emitted_at: emittedAt,
    deadline_at: emittedAt + 60_000,
  };
  const snapshot = {
    v: RECORD_VERSION,
    session_id: id,
    version: 1,
    fixed: {
      tenant: 'default',
      submission: { input: 'x' },
      brain: 'openai',
      trace_id: '0123456789abcdef0123456789abcdef',
      created_at: emittedAt,
    },
    status: 'waiting_tool' as const,
    step: 1,
    pending: [intent],
    outbox: { commit: null, intent_ids: [intent.intent_id], out: true },
    applied: [],
    usage: { steps: 1, tool_calls: 1, input_tokens: 0, output_tokens: 0 },
    timeline_seq: 1,
    history_n: 0,
    updated_at: emittedAt,
  };
  await sessions.create({ snapshot, timeline: [], wakeAt: emittedAt + WAIT_MS });
  return intent.intent_id;
};

it(`${SWEEPERS} sweepers work off ${TIMERS} timers that are due at once: each is sent, by all of them in part`, async () => {
  const redis = { url: await sharedRedis(), keyPrefix: `${freshName('sweepers')}:` };
  const sessions = later(await createRedisSessionStore(redis), (s) => s.close());
  await sessions.mark();
  const due = (await sessions.now()) - WAIT_MS;
  const intents: string[] = [];
  for (let i = 0; i < TIMERS; i += 500)
    intents.push(...(await Promise.all(Array.from({ length: 500 }, () => asleep(sessions, due)))));
  const schedulers = await Promise.all(Array.from({ length: SWEEPERS }, () => scheduler(redis)));
  for (const { sweeper } of schedulers) sweeper.onApplicationBootstrap();
  const sent = (): Set<string> => new Set(schedulers.flatMap(({ published }) => published));
  await eventually(() => sent().size >= TIMERS, { timeoutMs: 60_000 });
  // no entry is left behind
  await eventually(async () => ((await sessions.nextWake()) ?? 0) > (await sessions.now()));
  await Promise.all(schedulers.map(({ sweeper }) => sweeper.onModuleDestroy()));
  expect(sent()).toEqual(new Set(intents));
  const shares = schedulers.map(({ published }) => published.length);
  process.stdout.write(`sweepers: ${TIMERS} timers, sent by ${shares.join(', ')}\n`);
  // without an agreement each sends all of them
  for (const share of shares) expect(share).toBeLessThan(0.7 * TIMERS);
});
