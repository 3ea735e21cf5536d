import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CloudEvent,
  type JsonObject,
  type PendingIntent,
  RECORD_VERSION,
  type Snapshot,
  type ToolCatalogue,
} from '#contracts';
import { registeredTool, ToolRegistry, waitTool } from '#dispatcher';
import { Engine } from '#engine';
import { EmbeddedClaimStore, intentDigest } from '#idempotency';
import { type SchedulerOptions, Sweeper } from '#scheduler';
import { EmbeddedSessionStore } from '#state';
import { eventually, type FakeClock, fakeClock, freshName, type TempDir, tempDir } from '#testing';
import type { EventClient } from '#transport';

const LEASE_MS = 3_000;
const events = { source: '/scheduler/test', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };
const options: SchedulerOptions = {
  events,
  topics: { intent: 'agent.intent', observation: 'agent.observation' },
  leaseMs: LEASE_MS,
  retentionMs: 600_000,
  inlineLimitBytes: 10_000,
};

let dir: TempDir;
let clock: FakeClock;
let engine: Engine;
let sessions: EmbeddedSessionStore;
let claims: EmbeddedClaimStore;
let published: { topic: string; id: string; event: CloudEvent }[];
let onPublish: (events: readonly CloudEvent[]) => Promise<void>;
let made: Sweeper[];

const catalogue = (): ToolCatalogue => {
  const registry = new ToolRegistry();
  registry.add(registeredTool(waitTool, 'test'));
  return registry;
};

const sweeper = (): Sweeper => {
  const client = {
    publish: async (topic: string, batch: readonly CloudEvent[]) => {
      await onPublish(batch);
      published.push(...batch.map((event) => ({ topic, id: event.id, event })));
    },
  };
  const one = new Sweeper(sessions, claims, client as unknown as EventClient, catalogue(), options);
  made.push(one);
  return one;
};

/** A session that waits for these, with its wake-up at `wakeAt`. */
const session = async (
  wakeAt: number,
  calls: { tool: string; parameters?: JsonObject; effect?: PendingIntent['effect']; deadlineMs?: number }[],
  more: Partial<Snapshot> = {},
): Promise<Snapshot> => {
  const now = clock.now();
  const id = freshName('sess');
  const pending = calls.map(
    ({ tool, parameters = {}, effect = 'idempotent', deadlineMs = 60_000 }, index) => ({
      intent_id: `${id}.1.${String(index)}`,
      tool,
      parameters,
      digest: intentDigest(tool, parameters),
      effect,
      step: 1,
      emitted_at: now,
      deadline_at: now + deadlineMs,
    }),
  );
  const snapshot: Snapshot = {
    v: RECORD_VERSION,
    session_id: id,
    version: 1,
    fixed: {
      tenant: 'default',
      submission: { input: 'x' },
      brain: 'openai',
      trace_id: '0123456789abcdef0123456789abcdef',
      created_at: now,
    },
    status: 'waiting_tool',
    step: 1,
    pending,
    outbox: { commit: null, intent_ids: pending.map((p) => p.intent_id), out: true },
    applied: [],
    usage: { steps: 1, tool_calls: 1, input_tokens: 0, output_tokens: 0 },
    timeline_seq: 1,
    history_n: 0,
    updated_at: now,
    ...more,
  };
  await sessions.create({ snapshot, timeline: [], wakeAt });
  return snapshot;
};

beforeEach(async () => {
  dir = tempDir('sweeper');
  clock = fakeClock();
  engine = await Engine.open({ dir: dir.path, clock: () => clock.now() });
  sessions = new EmbeddedSessionStore(engine);
  claims = new EmbeddedClaimStore(engine);
  published = [];
  made = [];
  onPublish = () => Promise.resolve();
});
afterEach(async () => {
  await Promise.all(made.map((one) => one.onModuleDestroy()));
  await engine.close();
  dir.remove();
});

describe('a sweep', () => {
  it('leaves what is not due alone', async () => {
    const { session_id } = await session(clock.now() + 1_000, [{ tool: 't' }]);
    expect(await sweeper().sweep()).toBe(0);
    expect({ published, wake: await sessions.wakeOf(session_id) }).toEqual({
      published: [],
      wake: clock.now() + 1_000,
    });
  });

  it('publishes a lost intent first, and then moves the entry on', async () => {
    const { session_id, pending } = await session(clock.now() + 60_000, [{ tool: 't' }]);
    await clock.advance(60_000);
    const wakes: (number | null)[] = [];
    onPublish = async () => {
      wakes.push(await sessions.wakeOf(session_id));
    };
    await sweeper().sweep();
    expect(published).toMatchObject([{ topic: 'agent.intent', id: pending[0]?.intent_id }]);
    expect(wakes).toEqual([clock.now()]);
    expect(await sessions.wakeOf(session_id)).toBeGreaterThan(clock.now());
  });

  it('moves nothing on when the log is away, and publishes again', async () => {
    const { session_id, pending } = await session(clock.now() + 60_000, [{ tool: 't' }]);
    await clock.advance(60_000);
    onPublish = () => Promise.reject(new Error('the log is away'));
    const one = sweeper();
    await expect(one.sweep()).rejects.toThrow('the log is away');
    expect(await sessions.wakeOf(session_id)).toBe(clock.now());
    onPublish = () => Promise.resolve();
    await one.sweep();
    expect(published.map(({ id }) => id)).toEqual(pending.map((p) => p.intent_id));
  });

  it('publishes what a claim has recorded, under the claim of its parameters only', async () => {
    const { session_id, pending } = await session(clock.now() + 1_000, [{ tool: 't' }, { tool: 'u' }]);
    for (const [index, p] of pending.entries()) {
      const key = { sessionId: session_id, intentId: p.intent_id };
      const digest = index === 0 ? p.digest : 'another';
      await claims.claim({ ...key, digest, token: `a:${String(index)}`, leaseMs: LEASE_MS });
      const result = {
        status: 'succeeded',
        result: 7,
        error: null,
        attempts: 1,
        started_at: new Date(clock.now()).toISOString(),
        duration_ms: 3,
      } as const;
      await claims.record(key, `a:${String(index)}`, result, 600_000);
    }
    await clock.advance(1_000);
    await sweeper().sweep();
    expect(published.map(({ topic, id }) => [topic, id]).sort()).toEqual([
      ['agent.intent', pending[1]?.intent_id],
      ['agent.observation', `${String(pending[0]?.intent_id)}.result`],
    ]);
  });

  it('waits for the lease of a live claim, and repeats when it is over', async () => {
    const { session_id, pending } = await session(clock.now(), [{ tool: 't' }]);
    const key = { sessionId: session_id, intentId: pending[0]?.intent_id ?? '' };
    await claims.claim({ ...key, digest: pending[0]?.digest ?? '', token: 'a:1', leaseMs: LEASE_MS });
    const one = sweeper();
    await one.sweep();
    expect(published).toEqual([]);
    expect(await sessions.wakeOf(session_id)).toBe(clock.now() + LEASE_MS);
    await clock.advance(LEASE_MS);
    await one.sweep();
    expect(published).toMatchObject([{ id: key.intentId }]);
  });

  it('does not pass over a time that a dispatcher set while it was publishing', async () => {
    const { session_id, pending } = await session(clock.now() + 60_000, [{ tool: 't' }]);
    await clock.advance(60_000);
    const key = { sessionId: session_id, intentId: pending[0]?.intent_id ?? '' };
    const notBefore = clock.now() + 5_000;
    onPublish = async () => {
      // the dispatcher was quicker than the sweeper: run, failed, put off
      await claims.claim({ ...key, digest: pending[0]?.digest ?? '', token: 'a:1', leaseMs: LEASE_MS });
      await claims.defer(key, 'a:1', { attempts: 1, notBefore, handOver: true, record: '{}' });
      await sessions.lowerWake(session_id, notBefore);
    };
    await sweeper().sweep();
    expect(await sessions.wakeOf(session_id)).toBe(notBefore);
  });

  it('does not repeat a wait before it is due, whatever woke it', async () => {
    const { session_id } = await session(clock.now(), [
      { tool: 'wait', parameters: { ms: 8_000 }, effect: 'pure' },
    ]);
    const one = sweeper();
    await one.sweep();
    expect(published).toEqual([]);
    expect(await sessions.wakeOf(session_id)).toBe(clock.now() + 8_000);
    await clock.advance(8_000);
    await one.sweep();
    expect(published).toHaveLength(1);
  });

  it('keeps a session that cannot be looked at from holding up the others', async () => {
    const bad = await session(clock.now(), [{ tool: 't' }], { v: RECORD_VERSION + 5 });
    const good = await session(clock.now(), [], { status: 'queued' });
    await sweeper().sweep();
    expect(published.map(({ id }) => id)).toEqual([`${good.session_id}.created`]);
    expect(await sessions.wakeOf(bad.session_id)).toBeGreaterThan(clock.now());
  });

  it('keeps a payload that is too large for the log in the store', async () => {
    await session(clock.now(), [{ tool: 't', parameters: { text: 'x'.repeat(20_000) } }]);
    await clock.advance(60_000);
    await sweeper().sweep();
    expect(published[0]?.event.data).toBeUndefined();
    expect(published[0]?.event.dataref).toMatch(/^blob:/);
  });

  it('never takes the entry of an unfinished session away', async () => {
    const { session_id } = await session(clock.now(), [{ tool: 't' }]);
    const one = sweeper();
    for (let i = 0; i < 20; i++) {
      await one.sweep();
      const wake = await sessions.wakeOf(session_id);
      expect(wake).toBeGreaterThan(clock.now());
      await clock.advance((wake ?? 0) - clock.now());
    }
  });

  it('drops what ended before the retention', async () => {
    const { session_id } = await session(clock.now(), [], { status: 'completed' });
    await clock.advance(600_001);
    const one = sweeper();
    one.onApplicationBootstrap();
    await eventually(async () => (await sessions.load(session_id)) === null);
  });
});

it('sweeps 10,000 timers that are due at once, each once, in order of their times', async () => {
  const due = clock.now() + 1_000;
  const parameters = { ms: 1_000 };
  for (let i = 0; i < 10_000; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, () => session(due, [{ tool: 'wait', parameters, effect: 'pure' }])),
    );
  await clock.advance(1_000);
  const one = sweeper();
  const begun = performance.now();
  one.onApplicationBootstrap();
  await eventually(() => published.length >= 10_000, { timeoutMs: 30_000 });
  process.stdout.write(`sweeper: 10,000 due timers in ${(performance.now() - begun).toFixed(0)} ms\n`);
  expect(new Set(published.map(({ id }) => id)).size).toBe(10_000);
  await one.onModuleDestroy();
  expect(one.stats.published).toBe(10_000);
});
