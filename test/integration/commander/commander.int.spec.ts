import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type CloudEvent, EVENT_NAMES, type Plan, type Submission, type ToolCallData } from '#contracts';
import type { Brain, Decision } from '#commander';
import { eventually } from '#testing';
import { DeadLetterError } from '#transport';
import { CommanderRig, TENANT } from './commander-rig.js';

let rig: CommanderRig;
afterEach(() => rig.close());

const plan = (...steps: Plan['steps']): Submission => ({ plan: { steps } });
const two = plan({ id: 'a', tool: 'look' }, { id: 'b', tool: 'look' });
const callOf = (event: CloudEvent): ToolCallData => event.data as ToolCallData;
/** Calls in the log for a session, repeats included. */
const calls = (sessionId: string) =>
  rig.intents.filter((e) => e.subject === sessionId && e.type.endsWith(EVENT_NAMES.toolCall));

describe('submission (rule 1)', () => {
  it('is in the store and in the log when it resolves', async () => {
    rig = await CommanderRig.open();
    const snapshot = await rig.submit(two);
    expect(await rig.load(snapshot.session_id)).toEqual(snapshot);
    const [created] = await eventually(() => rig.observations.length > 0 && rig.observations);
    expect(created).toMatchObject({
      id: `${snapshot.session_id}.created`,
      deploymentid: 'test',
      data: { submission: two, brain: 'plan', session_id: snapshot.session_id },
    });
    expect(await rig.store.wakeOf(snapshot.session_id)).toBe(snapshot.updated_at + 15_000);
    expect(await rig.store.timeline(snapshot.session_id)).toMatchObject([
      { seq: 1, payload: { status: 'queued' } },
    ]);
  });

  it('under one key is one session, whoever comes first', async () => {
    rig = await CommanderRig.open();
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => rig.sessions.submit(two, { ...TENANT, idempotencyKey: 'k' })),
    );
    expect(new Set(replies.map((r) => r.snapshot.session_id)).size).toBe(1);
    expect(replies.filter((r) => !r.repeated)).toHaveLength(1);
    const other = await rig.sessions.submit(two, { tenant: 'other', idempotencyKey: 'k' });
    expect(other.repeated).toBe(false);
    await expect(rig.submit(plan({ id: 'x', tool: 'look' }), 'k')).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });

  it('that may not be in the log says so, and is published by the repeat', async () => {
    rig = await CommanderRig.open();
    rig.transport.fault = 'before';
    const lost = await rig.submit(two, 'k').catch((e: unknown) => e);
    expect(lost).toMatchObject({
      code: 'unavailable',
      retryable: true,
      details: { session_id: expect.any(String) },
    });
    const { session_id } = await rig.submit(two, 'k');
    await eventually(() => rig.observations.length === 1);
    await rig.deliver(session_id, EVENT_NAMES.sessionCreated);
    await rig.submit(two, 'k');
    expect(rig.observations).toHaveLength(1);
  });

  it.each<[string, Submission, string, string[]]>([
    ['neither input nor plan', {}, 'invalid_request', ['']],
    ['an unknown tool of the session', { ...two, tools: ['nope'] }, 'invalid_request', ['/tools/0']],
    ['an unknown brain', { input: 'x', brain: 'nope' }, 'invalid_request', ['/brain']],
    ['a wrong plan', plan({ id: 'a', tool: 'nope' }), 'invalid_plan', ['/plan/steps/0/tool']],
    ['a deadline that is no time', { ...two, deadline: 'soon' }, 'invalid_request', ['/deadline']],
  ])('is refused with the fields named: %s', async (_, submission, code, fields) => {
    rig = await CommanderRig.open();
    const error = await rig.submit(submission).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, details: { fields: fields.map((field) => ({ field })) } });
    expect((await rig.store.list({ ...TENANT, limit: 1 })).snapshots).toEqual([]);
  });

  it('without a brain for it is refused with what to do', async () => {
    rig = await CommanderRig.open();
    await expect(rig.submit({ input: 'hello' })).rejects.toMatchObject({ code: 'no_brain' });
  });
});

describe('a step (rule 2)', () => {
  it('goes from observation to intent to end, and forgets its claims', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(plan({ id: 'a', tool: 'save' }, { id: 'b', tool: 'save' }));
    const id = first.session_id;
    const key = { sessionId: id, intentId: `${id}.1.0` };
    await rig.claims.claim({ ...key, digest: first.pending[0]!.digest, token: 't', leaseMs: 1000 });
    await rig.observe(rig.result(first, first.pending[0]!, { result: 1 }));
    await eventually(async () => (await rig.claims.read([key]))[0] === null);
    const second = await rig.load(id);
    await rig.observe(rig.result(second, second.pending[0]!, { result: 2 }));
    const end = await rig.load(id);
    expect(end).toMatchObject({ status: 'completed', result: { a: 1, b: 2 }, version: 4 });
    expect(await rig.store.wakeOf(id)).toBeNull();
    await eventually(() => rig.intents.length === 3);
    expect(rig.intents.map((e) => e.id)).toEqual([`${id}.1.0`, `${id}.2.0`, `${id}.4.committed`]);
    expect(rig.intents.at(-1)?.data).toMatchObject({
      commit: { applied: `${id}.2.0.result`, status: 'completed', result: { a: 1, b: 2 } },
    });
    const timeline = await rig.store.timeline(id);
    expect(timeline.map((e) => e.seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(timeline.at(-1)).toMatchObject({ type: 'status', payload: { status: 'completed' } });
    expect(rig.commander.counts).toMatchObject({ steps: 3, conflicts: 0 });
  });

  it.each(['before', 'after'] as const)(
    'whose publication failed %s the log had it is published again by the redelivery, and changes nothing',
    async (fault) => {
      rig = await CommanderRig.open();
      const { session_id } = await rig.submit(two);
      const created = await eventually(() => rig.observations[0]);
      rig.transport.fault = fault;
      await expect(rig.observe(created)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
      const written = await rig.load(session_id);
      expect(written.version).toBe(2);
      await rig.observe(created);
      expect(await rig.load(session_id)).toEqual(written);
      const published = await eventually(() => calls(session_id).length > 0 && calls(session_id));
      expect(new Set(published.map((e) => JSON.stringify(e))).size).toBe(1);
    },
  );

  it('is not published again for a copy of its observation, which is no sign of a crash', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(two);
    await rig.deliver(first.session_id, EVENT_NAMES.sessionCreated);
    const another = await rig.begin(two);
    await eventually(() => calls(another.session_id).length === 1);
    expect(calls(first.session_id)).toHaveLength(1);
  });

  it('that passes over an answer of which nobody can tell whose it is makes it a dead letter, crash or not', async () => {
    rig = await CommanderRig.open();
    const { session_id: id } = await rig.begin({ plan: { steps: [{ id: 'a', tool: 'look' }] } });
    const [intent] = (await rig.load(id)).pending;
    const { deploymentid: _, ...event } = rig.result(await rig.load(id), intent!);
    const { intent_id: __, ...data } = event.data as Record<string, unknown>;
    const stray = { ...event, source: '/worker', id: 'w1', data };
    rig.transport.fault = 'before';
    await expect(rig.observe(stray)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    for (let time = 0; time < 2; time++)
      await expect(rig.observe(stray)).rejects.toMatchObject({ code: 'unattributable' });
    const written = await rig.load(id);
    expect(written).toMatchObject({ version: 3, status: 'waiting_tool' });
    const told = await eventually(() => rig.intents.find((e) => e.id === `${id}.3.committed`));
    expect(told.data).toMatchObject({ commit: { applied: '/worker w1', version: 3 } });
    await rig.deliver(id, EVENT_NAMES.sessionCreated);
    expect(rig.intents.filter((e) => e.id.endsWith('.committed'))).toHaveLength(1);
  });

  it('repeats nothing for an observation of an earlier step', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(two);
    const result = rig.result(first, first.pending[0]!);
    await rig.observe(result);
    await eventually(() => calls(first.session_id).length === 2);
    await rig.deliver(first.session_id, EVENT_NAMES.sessionCreated);
    expect(rig.commander.counts.ignored.duplicate).toBe(1);
    await rig.submit(two);
    await eventually(() => rig.observations.length === 2);
    expect(calls(first.session_id)).toHaveLength(2);
  });

  it('is done again from the newer snapshot when another commit came first', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(
      plan({ id: 'a', tool: 'look', after: [] }, { id: 'b', tool: 'look', after: [] }),
    );
    await Promise.all(
      first.pending.map((intent) => rig.observe(rig.result(first, intent, { result: intent.call! }))),
    );
    expect(await rig.load(first.session_id)).toMatchObject({
      status: 'completed',
      version: 4,
      result: { a: 'step:a', b: 'step:b' },
    });
    expect(rig.commander.counts.conflicts).toBeGreaterThan(0);
  });

  describe('from a snapshot that was seen a moment ago', () => {
    const both = plan({ id: 'a', tool: 'look', after: [] }, { id: 'b', tool: 'look', after: [] });

    it('is committed without a read of the store, when it is the latest', async () => {
      rig = await CommanderRig.open();
      const first = await rig.begin(both);
      rig.store.seen = first;
      const load = jest.spyOn(rig.store, 'load');
      await rig.observe(rig.result(first, first.pending[0]!));
      expect(load).not.toHaveBeenCalled();
      expect((await rig.load(first.session_id)).version).toBe(3);
    });

    it('is taken again from the store when another commit came first', async () => {
      rig = await CommanderRig.open();
      const first = await rig.begin(both);
      await rig.observe(rig.result(first, first.pending[0]!, { result: 1 }));
      rig.store.seen = first;
      await rig.observe(rig.result(first, first.pending[1]!, { result: 2 }));
      expect(await rig.load(first.session_id)).toMatchObject({
        status: 'completed',
        result: { a: 1, b: 2 },
      });
      // begun, and one for each result
      expect(rig.commander.counts).toMatchObject({ steps: 3, conflicts: 0 });
    });

    it('passes over nothing that the latest one waits for', async () => {
      rig = await CommanderRig.open();
      const first = await rig.begin(two);
      await rig.observe(rig.result(first, first.pending[0]!));
      const second = await rig.load(first.session_id);
      rig.store.seen = first;
      await rig.observe(rig.result(second, second.pending[0]!));
      expect((await rig.load(first.session_id)).status).toBe('completed');
    });

    it('is not what a brain is asked about whose thoughts cost something', async () => {
      const asked: number[] = [];
      const model: Brain = {
        name: 'model',
        thinksAfter: 'all',
        unavailable: () => undefined,
        think: ({ snapshot }): Decision => {
          asked.push(snapshot.version);
          return asked.length === 1
            ? { calls: [{ tool: 'look', parameters: {} }] }
            : { calls: [], finish: { kind: 'completed', result: null } };
        },
      };
      rig = await CommanderRig.open([model]);
      const { session_id } = await rig.submit({ input: 'x', brain: 'model' });
      const queued = await rig.load(session_id);
      await rig.deliver(session_id, EVENT_NAMES.sessionCreated);
      const first = await rig.load(session_id);
      rig.store.seen = queued;
      await rig.observe(rig.result(first, first.pending[0]!));
      expect(asked).toEqual([2, 3]);
    });
  });

  it('counts what belongs to no session here, ours and foreign', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(two);
    const ours = rig.result({ ...first, session_id: 'sess-GONE' }, first.pending[0]!);
    await rig.observe(ours);
    const { deploymentid: _, ...foreign } = ours;
    await rig.observe(foreign);
    expect(rig.commander.counts).toMatchObject({ expired: 1, foreign: 1 });
  });

  it.each<[string, Partial<CloudEvent>, string]>([
    ['no data', { data: undefined }, 'data'],
    ['no session', { data: { status: 'succeeded' } }, 'session_id'],
    ['a status that is none', { data: { session_id: 's', status: 'great' } }, 'status'],
    [
      'an intent id that is no text',
      { data: { session_id: 's', status: 'failed', intent_id: 3 } },
      'intent_id',
    ],
    ['a payload that is nowhere', { data: undefined, dataref: `blob:{s}:${'0'.repeat(64)}` }, 'blob'],
  ])('gives an observation with %s to the dead letters, naming it', async (_, over, names) => {
    rig = await CommanderRig.open();
    const first = await rig.begin(two);
    const wrong = { ...rig.result(first, first.pending[0]!), ...over };
    const error = await rig.observe(wrong).catch((e: unknown) => e);
    expect(DeadLetterError.is(error)).toBe(true);
    expect(error).toMatchObject({
      code: names === 'blob' ? 'payload_lost' : 'invalid_event',
      message: expect.stringContaining(names),
    });
  });

  it('takes the answer of a minimal worker, and dead-letters one that can not be told', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(plan({ id: 'a', tool: 'ask' }, { id: 'b', tool: 'look' }));
    const minimal: CloudEvent = {
      specversion: '1.0',
      id: '1',
      source: '/worker',
      type: 'com.southwest.ai.observation.tool_result',
      data: { session_id: first.session_id, status: 'succeeded', result: 7 },
    };
    await rig.observe(minimal);
    await rig.observe(minimal);
    expect(await rig.load(first.session_id)).toMatchObject({ pending: [{ call: 'step:b' }] });
    await expect(rig.observe({ ...minimal, id: '2' })).rejects.toBeInstanceOf(DeadLetterError);
  });
});

describe('failure with siblings under way (rule 6)', () => {
  it('seals by one atomic write each, and takes what was recorded', async () => {
    rig = await CommanderRig.open();
    const fan = ['a', 'b', 'c', 'd'].map((id) => ({ id, tool: 'pay', after: [] }));
    const first = await rig.begin(plan(...fan));
    const [a, b, c, d] = first.pending;
    const key = (intent = a) => ({ sessionId: first.session_id, intentId: intent!.intent_id });
    for (const intent of [c, d]) {
      await rig.claims.claim({
        ...key(intent),
        digest: intent!.digest,
        token: intent!.intent_id,
        leaseMs: 60_000,
      });
      await rig.claims.start(key(intent), intent!.intent_id);
    }
    const done = rig.result(first, d!, { result: 'done' });
    const outcome = {
      status: 'succeeded',
      result: 'done',
      error: null,
      attempts: 1,
      started_at: '',
      duration_ms: 1,
    } as const;
    await rig.claims.record(key(d), d!.intent_id, outcome, 60_000);
    await rig.observe(
      rig.result(first, a!, {
        status: 'failed',
        error: { code: 'tool_failed', message: 'no', retryable: false },
      }),
    );
    const ending = await rig.load(first.session_id);
    expect(ending).toMatchObject({ status: 'waiting_tool', pending: [{ call: 'step:c' }] });
    expect(await rig.claims.renew(key(c), c!.intent_id, 60_000)).toBe('cancelled');
    expect(
      await rig.claims.claim({ ...key(b), digest: b!.digest, token: 'late', leaseMs: 1 }),
    ).not.toMatchObject({ kind: 'held' });
    await rig.observe(done);
    await rig.observe(
      rig.result(first, c!, {
        status: 'failed',
        error: { code: 'tool_aborted', message: 'stopped', retryable: false },
      }),
    );
    expect(await rig.load(first.session_id)).toMatchObject({ status: 'failed', result: { d: 'done' } });
  });
});

/** Thinks until it is told, or aborted. */
class SlowBrain implements Brain {
  readonly name = 'slow';
  readonly thinksAfter = 'all';
  thinks = 0;
  aborted = 0;
  decide: (decision: Decision) => void = () => undefined;

  unavailable(): undefined {
    return undefined;
  }
  think({ signal }: Parameters<Brain['think']>[0]): Promise<Decision> {
    this.thinks += 1;
    return new Promise((resolve, reject) => {
      this.decide = resolve;
      signal.addEventListener('abort', () => {
        this.aborted += 1;
        reject(signal.reason as Error);
      });
    });
  }
}
const slow: Submission = { input: 'think', brain: 'slow' };

describe('while a brain thinks', () => {
  it('its session is shown as thinking, and a cancel aborts it', async () => {
    const brain = new SlowBrain();
    rig = await CommanderRig.open([brain]);
    const { session_id } = await rig.submit(slow);
    const created = await eventually(() => rig.observations[0]);
    const step = rig.observe(created);
    await eventually(() => brain.thinks === 1);
    expect(rig.sessions.view(await rig.load(session_id)).status).toBe('thinking');
    await rig.sessions.cancel(session_id, { ...TENANT, reason: 'enough' });
    await step;
    expect(brain).toMatchObject({ thinks: 1, aborted: 1 });
    const ended = await rig.load(session_id);
    expect(ended).toMatchObject({
      status: 'cancelled',
      error: { message: expect.stringContaining('enough') },
    });
    expect(rig.sessions.view(ended).status).toBe('cancelled');
    await eventually(() => rig.observations.length === 2);
    await rig.deliver(session_id, EVENT_NAMES.cancel);
    expect(await rig.load(session_id)).toEqual(ended);
    await expect(rig.sessions.cancel(session_id, TENANT)).rejects.toMatchObject({ code: 'session_ended' });
  });

  it('a decision that comes after a cancel was written does not count', async () => {
    const brain = new SlowBrain();
    rig = await CommanderRig.open([brain]);
    const { session_id } = await rig.submit(slow);
    const step = rig.observe(await eventually(() => rig.observations[0]));
    await eventually(() => brain.thinks === 1);
    const cancelled = rig.sessions.cancel(session_id, TENANT);
    brain.decide({ calls: [{ tool: 'pay', parameters: {} }] });
    await Promise.all([step, cancelled]);
    // whichever of the two was first, the session ends cancelled once both are applied
    await eventually(() => rig.observations.length === 2);
    await rig.deliver(session_id, EVENT_NAMES.cancel);
    expect(await rig.load(session_id)).toMatchObject({ status: 'cancelled' });
  });

  it('the end of the process interrupts it, and the next process thinks again', async () => {
    const brain = new SlowBrain();
    rig = await CommanderRig.open([brain]);
    const { session_id } = await rig.submit(slow);
    const created = await eventually(() => rig.observations[0]);
    const stop = new AbortController();
    const step = rig.observe(created, stop.signal);
    await eventually(() => brain.thinks === 1);
    stop.abort(new Error('draining'));
    await expect(step).rejects.toThrow('draining');
    expect((await rig.load(session_id)).version).toBe(1);
    const again = rig.observe(created);
    await eventually(() => brain.thinks === 2);
    brain.decide({ calls: [], finish: { kind: 'completed', result: { text: 'so' } } });
    await again;
    expect(await rig.load(session_id)).toMatchObject({ status: 'completed', result: { text: 'so' } });
  });
});

describe('large payloads', () => {
  const long = 'x'.repeat(3000);
  it('of intents lie in the store, and are read from there', async () => {
    rig = await CommanderRig.open([], { inlineLimitBytes: 2048 });
    const first = await rig.begin(plan({ id: 'a', tool: 'look', parameters: { long } }));
    const [intent] = await eventually(() => rig.intents.length > 0 && rig.intents);
    expect(intent).toMatchObject({ dataref: expect.stringContaining(first.session_id) });
    expect(intent?.data).toBeUndefined();
    const kept = await rig.store.getBlob(intent!.dataref!);
    expect(
      callOf({ ...intent!, data: JSON.parse(Buffer.from(kept!).toString()) as unknown }).parameters,
    ).toEqual({ long });
  });
  it('of submissions and results are taken from the store', async () => {
    rig = await CommanderRig.open([], { inlineLimitBytes: 2048 });
    const first = await rig.begin(plan({ id: 'a', tool: 'look', parameters: { long } }));
    expect(first.status).toBe('waiting_tool');
    const { data, ...rest } = rig.result(first, first.pending[0]!, { result: long });
    const dataref = await rig.store.putBlob(first.session_id, Buffer.from(JSON.stringify(data)));
    await rig.observe({ ...rest, dataref });
    expect(await rig.load(first.session_id)).toMatchObject({ status: 'completed', result: { a: long } });
  });
  it('beyond the limit are left out of a result, of a worker and of a session', async () => {
    rig = await CommanderRig.open([], { resultLimitBytes: 4000 });
    const first = await rig.begin(
      plan({ id: 'a', tool: 'look', after: [] }, { id: 'b', tool: 'look', after: [] }),
    );
    for (const intent of first.pending) await rig.observe(rig.result(first, intent, { result: long }));
    expect(await rig.load(first.session_id)).toMatchObject({
      status: 'completed',
      error: { code: 'result_too_large' },
    });
    const second = await rig.begin(plan({ id: 'a', tool: 'ask' }));
    const { deploymentid: _, ...foreign } = rig.result(second, second.pending[0]!, { result: [long, long] });
    await rig.observe(foreign);
    expect(await rig.load(second.session_id)).toMatchObject({
      status: 'failed',
      error: { details: { error: { code: 'result_too_large', details: { executed: true } } } },
    });
  });
});

describe('tenants', () => {
  it("can't see or cancel each other's sessions", async () => {
    rig = await CommanderRig.open();
    const { session_id } = await rig.submit(two);
    const other = { tenant: 'other' };
    await expect(rig.sessions.get(session_id, other)).rejects.toMatchObject({ code: 'not_found' });
    await expect(rig.sessions.cancel(session_id, other)).rejects.toMatchObject({ code: 'not_found' });
    expect(await rig.sessions.get(session_id, TENANT)).toMatchObject({ session_id });
  });
});

describe('a cancel', () => {
  it('repeated is one cancel, published again while nobody has applied it', async () => {
    rig = await CommanderRig.open();
    const { session_id } = await rig.begin(two);
    rig.transport.fault = 'before';
    await expect(rig.sessions.cancel(session_id, TENANT)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await rig.load(session_id)).cancel_requested).toMatchObject({ compensate: false });
    await rig.sessions.cancel(session_id, TENANT);
    await eventually(() => rig.observations.length === 2);
    await rig.deliver(session_id, EVENT_NAMES.cancel);
    expect(await rig.load(session_id)).toMatchObject({ status: 'cancelled', timeline_seq: 6 });
  });

  it('that asks for more than one on its way is sent after it', async () => {
    rig = await CommanderRig.open();
    const { session_id } = await rig.begin(plan({ id: 'a', tool: 'book' }, { id: 'b', tool: 'look' }));
    const first = await rig.load(session_id);
    await rig.observe(rig.result(first, first.pending[0]!));
    await rig.sessions.cancel(session_id, TENANT);
    await rig.sessions.cancel(session_id, { ...TENANT, compensate: true });
    const sent = () => rig.observations.filter((e) => e.type.endsWith(EVENT_NAMES.cancel));
    await eventually(() => sent().length === 2);
    // its flag is written, and it isn't published: the second comes alone
    await rig.observe(sent()[1]!);
    expect(await rig.load(session_id)).toMatchObject({ status: 'compensating' });
    await rig.observe(sent()[0]!);
    expect(rig.commander.counts.ignored.duplicate).toBe(1);
  });

  it('of a session that stands still after one is another, unless its key says that it is a repeat', async () => {
    rig = await CommanderRig.open();
    const first = await rig.begin(plan({ id: 'p', tool: 'pay' }, { id: 'b', tool: 'look' }));
    const { session_id: id } = first;
    const [pay] = first.pending;
    const key = { sessionId: id, intentId: pay!.intent_id };
    await rig.claims.claim({ ...key, digest: pay!.digest, token: 't', leaseMs: 60_000 });
    await rig.claims.start(key, 't');
    const keyed = { ...TENANT, idempotencyKey: 'k' };
    await rig.sessions.cancel(id, keyed);
    await rig.deliver(id, EVENT_NAMES.cancel);
    const unknown = { code: 'outcome_unknown', message: 'cut', retryable: false };
    await rig.observe(rig.result(first, pay!, { status: 'unknown', error: unknown }));
    const parked = await rig.load(id);
    expect(parked).toMatchObject({ status: 'parked', stuck: [{}] });
    await rig.sessions.cancel(id, keyed);
    expect(await rig.load(id)).toEqual(parked);

    rig.transport.fault = 'before';
    const another = { ...TENANT, idempotencyKey: 'another' };
    await expect(rig.sessions.cancel(id, another)).rejects.toMatchObject({ code: 'unavailable' });
    const written = await rig.load(id);
    expect(written).toMatchObject({ status: 'parked', inbox: [{ name: EVENT_NAMES.cancel }] });
    await rig.sessions.cancel(id, another);
    expect(await rig.load(id)).toEqual(written);
    const sent = () => rig.observations.filter((e) => e.id === written.inbox?.[0]?.id);
    await eventually(() => sent().length === 1);
    await rig.observe(sent()[0]!);
    const ended = await rig.load(id);
    expect(ended.status).toBe('cancelled');
    expect(ended).not.toHaveProperty('inbox');
    await expect(rig.sessions.cancel(id, another)).resolves.toMatchObject({ status: 'cancelled' });
  });

  it('that is taken up already changes nothing more', async () => {
    rig = await CommanderRig.open();
    const { session_id, pending } = await rig.begin(plan({ id: 'a', tool: 'pay' }));
    const key = { sessionId: session_id, intentId: pending[0]!.intent_id };
    await rig.claims.claim({ ...key, digest: pending[0]!.digest, token: 't', leaseMs: 60_000 });
    await rig.claims.start(key, 't');
    await rig.sessions.cancel(session_id, TENANT);
    await eventually(() => rig.observations.length === 2);
    await rig.deliver(session_id, EVENT_NAMES.cancel);
    const waiting = await rig.load(session_id);
    expect(waiting).toMatchObject({ status: 'waiting_tool', ending: { status: 'cancelled' } });
    await rig.sessions.cancel(session_id, TENANT);
    expect(await rig.load(session_id)).toEqual(waiting);
  });
});

describe('what a person sends', () => {
  const lost = async () => {
    const first = await rig.begin(plan({ id: 'p', tool: 'pay' }, { id: 'b', tool: 'look' }));
    const unknown = { code: 'outcome_unknown', message: 'cut', retryable: false };
    await rig.observe(rig.result(first, first.pending[0]!, { status: 'unknown', error: unknown }));
    return { id: first.session_id, intent: first.pending[0]!.intent_id };
  };
  const done = { outcome: 'succeeded', by: 'ann', reason: 'looked' } as const;

  it.each(['before', 'after'] as const)(
    'is kept when its publication fails %s the log had it, and the same request again publishes it',
    async (fault) => {
      rig = await CommanderRig.open();
      const { id, intent } = await lost();
      const context = { ...TENANT, idempotencyKey: 'k' };
      rig.transport.fault = fault;
      const away = rig.inbox.resolve(id, intent, done, context);
      await expect(away).rejects.toMatchObject({ code: 'unavailable', details: { session_id: id } });
      const written = await rig.load(id);
      expect(written).toMatchObject({ status: 'parked', inbox: [{ id: `${intent}.resolution` }] });
      expect(await rig.store.wakeOf(id)).toBeLessThanOrEqual(written.updated_at + 10_000);
      const another = rig.inbox.resolve(id, intent, { ...done, outcome: 'failed' }, TENANT);
      await expect(another).rejects.toMatchObject({ code: 'already_answered', details: { by: 'ann' } });
      await rig.inbox.resolve(id, intent, done, context);
      const sent = () => rig.observations.filter((e) => e.type.endsWith(EVENT_NAMES.resolution));
      await eventually(() => sent().length === (fault === 'before' ? 1 : 2));
      for (const event of sent()) await rig.observe(event);
      expect(await rig.load(id)).toMatchObject({ status: 'waiting_tool', pending: [{ call: 'step:b' }] });
      expect((await rig.load(id)).inbox).toBeUndefined();
      expect(rig.commander.counts.ignored.duplicate).toBe(sent().length - 1);
    },
  );

  it('by another program, without being accepted here, is applied if it fits, and else changes nothing', async () => {
    rig = await CommanderRig.open();
    const { id, intent } = await lost();
    const event = (data: object, n: number): CloudEvent => ({
      specversion: '1.0',
      id: String(n),
      source: '/desk',
      type: 'com.southwest.ai.observation.resolution',
      data: { session_id: id, ...data },
    });
    await expect(rig.observe(event({ intent_id: intent }, 1))).rejects.toMatchObject({
      code: 'invalid_event',
      message: expect.stringContaining('outcome'),
    });
    const unclear = { intent_id: intent, ...done, outcome: 'retry', parameters: {} };
    await expect(rig.observe(event(unclear, 2))).rejects.toThrow('digest');
    await rig.observe(event({ intent_id: `${id}.7.0`, ...done }, 3));
    expect(rig.commander.counts.ignored.not_awaited).toBe(1);
    await rig.observe(event({ intent_id: intent, ...done }, 4));
    expect(await rig.load(id)).toMatchObject({ status: 'waiting_tool', pending: [{ call: 'step:b' }] });
  });
});
