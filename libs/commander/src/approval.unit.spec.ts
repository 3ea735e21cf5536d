import { describe, expect, it } from '@jest/globals';
import type { Outcome, Plan, PlanStep, Submission } from '#contracts';
import { intentDigest } from '#idempotency';
import { NamedTools } from '#testing';
import type { Brain } from './brain.js';
import { PlanBrain } from './brains/plan/plan.brain.js';
import { requestCancel } from './core/cancel.js';
import { nextWake } from './core/next-wake.js';
import { readyCall } from './interpreter/ready-call.js';
import { SessionPlay } from './play/session-play.js';

const tools = new NamedTools([
  { name: 'look' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  { name: 'unbook', effect: 'idempotent', approval: 'always' },
  { name: 'pay', effect: 'irreversible' },
  { name: 'post', effect: 'irreversible', approval: 'always' },
]);
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const play = async (steps: Plan['steps'], over: Partial<Submission> = {}) => {
  const session = new SessionPlay({
    submission: { plan: { steps }, ...over },
    brain: new PlanBrain(),
    tools,
  });
  await session.start();
  return session;
};
const step = (id: string, tool: string, over: Partial<PlanStep> = {}): PlanStep => ({
  id,
  tool,
  parameters: { of: id },
  after: [],
  ...over,
});
const asked = (id: string, tool = 'pay', over: Partial<PlanStep> = {}) =>
  step(id, tool, { approval: true, ...over });
const unknown: Partial<Outcome> = {
  status: 'unknown',
  error: { code: 'outcome_unknown', message: 'cut off', retryable: false },
};

const runs = ({ snapshot }: SessionPlay) => snapshot.pending.map((p) => p.call);
const holds = ({ snapshot }: SessionPlay) => snapshot.held?.map((h) => h.call);
const published = ({ snapshot }: SessionPlay) => snapshot.outbox.intent_ids;
const statuses = ({ timeline }: SessionPlay) =>
  timeline.flatMap(({ type, payload }) => (type === 'status' ? [payload['status']] : []));
const outcomeOf = ({ history }: SessionPlay, key: string) =>
  history.flatMap((e) => (e.kind === 'observation' && e.key === key ? [e.outcome] : []));

describe('a call that a person has to approve', () => {
  it('is held: no intent of it is published, and the session waits for people alone', async () => {
    const session = await play([asked('a')]);
    expect(session.snapshot).toMatchObject({
      status: 'waiting_approval',
      pending: [],
      held: [{ tool: 'pay', parameters: { of: 'a' }, digest: intentDigest('pay', { of: 'a' }) }],
    });
    expect(published(session)).toEqual([]);
    expect(session.timeline.find(({ type }) => type === 'intent')?.payload).toMatchObject({
      held: true,
      digest: intentDigest('pay', { of: 'a' }),
    });
  });

  it('is held as its tool asks, and lets others run meanwhile', async () => {
    const session = await play([step('a', 'post'), step('b', 'look')]);
    expect([session.snapshot.status, runs(session), holds(session)]).toEqual([
      'waiting_tool',
      ['step:b'],
      ['step:a'],
    ]);
    await session.answer('step:b');
    expect(session.snapshot.status).toBe('waiting_approval');
  });

  it('is looked at by the hour, and at the deadline', async () => {
    const session = await play([asked('a')]);
    expect(nextWake(session.snapshot, session.now)).toBe(session.now + HOUR_MS);
    const ends = new Date(session.now + MINUTE_MS).toISOString();
    const due = await play([asked('a')], { deadline: ends });
    expect(nextWake(due.snapshot, due.now)).toBe(Date.parse(ends));
  });

  it('approved is an intent whose time counts from then', async () => {
    const session = await play([asked('a')]);
    const [held] = session.snapshot.held!;
    session.now += 10 * HOUR_MS;
    await session.approve('step:a', { by: 'ann', reason: 'fine' });
    expect(published(session)).toEqual([held!.intent_id]);
    expect(session.snapshot).toMatchObject({ status: 'waiting_tool', usage: { tool_calls: 1 } });
    expect(session.snapshot.held).toBeUndefined();
    const [intent] = session.snapshot.pending;
    expect(intent).toMatchObject({ emitted_at: session.now, approved_by: 'ann', digest: held!.digest });
    expect(intent!.deadline_at - session.now).toBe(held!.deadline_at - held!.emitted_at);
    expect(session.timeline.at(-2)?.payload).toEqual({
      type: 'approval',
      intent_id: held!.intent_id,
      decision: 'approve',
      by: 'ann',
      reason: 'fine',
      digest: held!.digest,
    });
    await session.answer('step:a', { result: 1 });
    expect(session.snapshot).toMatchObject({ status: 'completed', result: { a: 1 } });
    expect(statuses(session)).toEqual(['queued', 'waiting_approval', 'waiting_tool', 'completed']);
  });

  it('rejected never runs: its plan sees a failure that says who and why', async () => {
    const session = await play([step('b', 'book'), asked('a', 'pay', { after: ['b'] })], { saga: true });
    await session.answer('step:b');
    await session.approve('step:a', { decision: 'reject', by: 'bob', reason: 'too dear' });
    expect(session.emitted.some(({ tool }) => tool === 'pay')).toBe(false);
    expect(outcomeOf(session, 'step:a')).toMatchObject([
      {
        status: 'failed',
        attempts: 0,
        error: { code: 'approval_rejected', retryable: false, details: { by: 'bob', reason: 'too dear' } },
      },
    ]);
    // undoing waits for nobody, whatever the tool says
    expect([session.snapshot.status, runs(session), holds(session)]).toEqual([
      'compensating',
      ['undo:b'],
      undefined,
    ]);
  });

  it('is answered in any order, each once', async () => {
    const session = await play([asked('a'), asked('b'), asked('c')]);
    await session.approve('step:c');
    await session.approve('step:a');
    expect(await session.approve('step:a', { decision: 'reject', by: 'bob' })).toBe('ignored');
    expect([runs(session), holds(session)]).toEqual([['step:c', 'step:a'], ['step:b']]);
  });

  it('is not answered by who saw another call', async () => {
    const session = await play([asked('a')]);
    const { intent_id } = session.snapshot.held![0]!;
    const sent = { id: `${intent_id}.approval`, name: 'observation.approval' as const, at: 1, version: 3 };
    session.snapshot = { ...session.snapshot, inbox: [{ ...sent, data: { intent_id } }] };
    expect(await session.approve('step:a', { digest: intentDigest('pay', { of: 'z' }) })).toBe('ignored');
    expect([session.ignored, holds(session)]).toEqual([['not_awaited'], ['step:a']]);
    // the answer that was accepted is still heard
    await session.approve('step:a');
    expect(runs(session)).toEqual(['step:a']);
  });

  it('has no outcome before it is approved, whoever says so', async () => {
    const session = await play([asked('a')]);
    const { intent_id } = session.snapshot.held![0]!;
    const result = { type: 'tool_result' as const, id: `${intent_id}.result`, intent_id };
    const outcome = { status: 'succeeded' as const, result: 1, error: null };
    const run = { ...outcome, attempts: 1, started_at: '2026-01-27T10:00:00.000Z', duration_ms: 1 };
    expect(await session.observe({ ...result, outcome: run })).toBe('ignored');
    expect(session.snapshot.status).toBe('waiting_approval');
  });
});

describe('a session that ends', () => {
  it('drops what is held, and an answer that comes after changes nothing', async () => {
    const session = await play([asked('a'), step('b', 'book')]);
    await session.answer('step:b');
    await session.cancel(true);
    expect([session.snapshot.status, holds(session), runs(session)]).toEqual([
      'compensating',
      undefined,
      ['undo:b'],
    ]);
    expect(outcomeOf(session, 'step:a')).toMatchObject([{ status: 'cancelled', attempts: 0 }]);
    expect(await session.approve('step:a')).toBe('ignored');
    await session.answer('undo:b');
    expect(session.snapshot.status).toBe('compensated');
  });

  it('tells of the answer that was accepted before, and of none by who saw another call', async () => {
    const session = await play([asked('a'), step('b', 'book')]);
    const { intent_id, digest } = session.snapshot.held![0]!;
    await session.answer('step:b');
    await session.cancel(true);
    const sent = { id: `${intent_id}.approval`, name: 'observation.approval' as const, at: 1, version: 3 };
    session.snapshot = { ...session.snapshot, inbox: [{ ...sent, data: { intent_id, digest } }] };
    expect(await session.approve('step:a', { digest: 'of another call', by: 'eve' })).toBe('ignored');
    expect(await session.approve('step:a')).toBe('committed');
    expect(session.history.at(-1)).toMatchObject({ kind: 'approval', by: 'ann', refused: 'not_awaited' });
  });

  it('at its deadline drops it too', async () => {
    const session = await play([asked('a')], { deadline: new Date(1_000_000 + MINUTE_MS).toISOString() });
    session.now += MINUTE_MS;
    await session.observe({ type: 'timer', id: 't', timer_id: 'deadline' });
    expect(session.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    expect(outcomeOf(session, 'step:a')).toMatchObject([{ status: 'cancelled' }]);
  });

  it.each([
    ['a cancel', (s: SessionPlay) => requestCancel(s.snapshot, { compensate: false }, s.now), 'cancelled'],
    ['the deadline', (s: SessionPlay) => s.snapshot, 'failed'],
  ])('by %s that nobody has applied yet makes no intent of what is approved', async (_, change, status) => {
    const session = await play([asked('a')], { deadline: new Date(1_000_000 + MINUTE_MS).toISOString() });
    session.snapshot = change(session);
    if (status === 'failed') session.now += MINUTE_MS;
    await session.approve('step:a');
    expect(session.snapshot.status).toBe(status);
    expect(session.emitted).toEqual([]);
    const told = session.timeline.find(({ payload }) => payload['type'] === 'approval');
    expect(told?.payload).toMatchObject({ decision: 'approve', refused: 'not_awaited' });
  });
});

describe('beside a step of unknown outcome', () => {
  const parked = async () => {
    const session = await play([step('a', 'pay'), asked('b'), asked('c')]);
    await session.answer('step:a', unknown);
    return session;
  };

  it('parks, and what is approved is under way meanwhile', async () => {
    const session = await parked();
    expect([session.snapshot.status, holds(session)]).toEqual(['parked', ['step:b', 'step:c']]);
    await session.approve('step:b');
    expect([session.snapshot.status, runs(session)]).toEqual(['waiting_tool', ['step:b']]);
    await session.answer('step:b');
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
  });

  it('waits on for approval when that is settled', async () => {
    const session = await parked();
    await session.resolve('step:a');
    expect([session.snapshot.status, holds(session)]).toEqual(['waiting_approval', ['step:b', 'step:c']]);
    await session.approve('step:b');
    await session.approve('step:c');
    await session.answer('step:b');
    await session.answer('step:c');
    expect(session.snapshot.status).toBe('completed');
  });

  it('a rejection fails the plan when the other is settled', async () => {
    const session = await parked();
    await session.approve('step:b', { decision: 'reject' });
    expect([session.snapshot.status, holds(session)]).toEqual(['parked', ['step:c']]);
    await session.resolve('step:a');
    expect(session.snapshot).toMatchObject({ status: 'failed', error: { code: 'step_failed' } });
  });
});

describe('a call that a person has run again', () => {
  const unclear = async () => {
    const session = await play([asked('a')]);
    await session.approve('step:a');
    await session.answer('step:a', unknown);
    return session;
  };

  it('keeps its approval with the same parameters', async () => {
    const session = await unclear();
    await session.resolve('step:a', { outcome: 'retry' });
    expect(session.snapshot.pending).toMatchObject([{ intent_id: 'sess-PLAY.2.0', approved_by: 'ann' }]);
  });

  it('needs another one with other parameters', async () => {
    const session = await unclear();
    const parameters = { of: 'z' };
    const digest = intentDigest('pay', parameters);
    await session.resolve('step:a', { outcome: 'retry', parameters, digest });
    expect(session.snapshot).toMatchObject({ status: 'waiting_approval', held: [{ digest, parameters }] });
    expect(session.snapshot.held![0]).not.toHaveProperty('approved_by');
    expect(published(session)).toEqual([]);
    await session.approve('sess-PLAY.2.0', { by: 'bob' });
    expect(session.snapshot.pending).toMatchObject([{ digest, approved_by: 'bob' }]);
  });

  it('needs one when its tool asks for these parameters only', async () => {
    const session = await play([step('a', 'pay')]);
    await session.answer('step:a', unknown);
    const parameters = { of: 'z' };
    await session.resolve('step:a', {
      outcome: 'retry',
      parameters,
      digest: intentDigest('pay', parameters),
      held: true,
    });
    expect(holds(session)).toEqual(['step:a']);
  });
});

describe('a brain that thinks when nothing is pending', () => {
  it('waits for people as for tools', async () => {
    const thoughts: unknown[] = [];
    const brain: Brain = {
      name: 'openai',
      thinksAfter: 'all',
      unavailable: () => undefined,
      think: ({ observed }) => {
        thoughts.push(observed.map(({ call, outcome }) => [call, outcome.status]));
        return thoughts.length > 1
          ? { calls: [], finish: { kind: 'completed', result: null } }
          : {
              calls: [
                { tool: 'post', parameters: {}, call: 'c1' },
                { tool: 'look', parameters: {}, call: 'c2' },
              ],
            };
      },
    };
    const session = new SessionPlay({ submission: { input: 'hello' }, brain, tools });
    await session.start();
    await session.answer('c2');
    expect([session.snapshot.status, thoughts]).toEqual(['waiting_approval', [[]]]);
    await session.approve('c1', { decision: 'reject' });
    expect([session.snapshot.status, thoughts]).toEqual(['completed', [[], [['c1', 'failed']]]]);
  });
});

describe('what is held', () => {
  it('is what its step or its tool says, and no undoing', () => {
    const held = (call: Parameters<typeof readyCall>[0]) => readyCall(call, tools, 1).held;
    expect(held({ tool: 'pay', parameters: {} })).toBeUndefined();
    expect(held({ tool: 'pay', parameters: {}, approval: true })).toBe(true);
    expect(held({ tool: 'post', parameters: {} })).toBe(true);
    expect(held({ tool: 'unbook', parameters: {}, compensates: 'x' })).toBeUndefined();
  });
});

describe('beside a question', () => {
  const asking: Brain = {
    name: 'openai',
    thinksAfter: 'all',
    unavailable: () => undefined,
    think: ({ snapshot }) =>
      snapshot.step === 0
        ? {
            calls: [{ tool: 'post', parameters: {}, call: 'c1' }],
            ask: { call: 'c2', content: 'which one?' },
          }
        : { calls: [], finish: { kind: 'completed', result: null } },
  };
  const start = async () => {
    const session = new SessionPlay({ submission: { input: 'hello' }, brain: asking, tools });
    await session.start();
    return session;
  };

  it('a held call is what the session shows that it waits for, and the question after it', async () => {
    const session = await start();
    expect(session.snapshot.status).toBe('waiting_approval');
    await session.approve('c1');
    expect(session.snapshot.status).toBe('waiting_tool');
    await session.answer('c1');
    expect(session.snapshot.status).toBe('waiting_input');
    await session.message('the red one');
    expect(session.snapshot.status).toBe('completed');
  });

  it('both are answered in any order before the brain thinks', async () => {
    const session = await start();
    await session.message('the red one');
    expect([session.snapshot.status, session.snapshot.step]).toEqual(['waiting_approval', 1]);
    await session.approve('c1', { decision: 'reject' });
    expect(session.snapshot.status).toBe('completed');
  });
});
