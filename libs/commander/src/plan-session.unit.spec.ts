import { describe, expect, it } from '@jest/globals';
import type { Json, Outcome, Plan, Submission } from '#contracts';
import { NamedTools } from '#testing';
import { PlanBrain } from './brains/plan/plan.brain.js';
import { nextWake } from './core/next-wake.js';
import { type PlayOptions, SessionPlay } from './play/session-play.js';

const tools = new NamedTools([
  { name: 'look' },
  { name: 'save', effect: 'idempotent' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  {
    name: 'unbook',
    effect: 'idempotent',
    parameters: { type: 'object', properties: { booking: {}, city: {} }, additionalProperties: false },
  },
  { name: 'bare', effect: 'compensatable' },
  { name: 'pay', effect: 'irreversible' },
  { name: 'refund', effect: 'irreversible' },
  { name: 'peek', servedBy: 'external' },
  { name: 'ask', effect: 'idempotent', servedBy: 'external', timeoutMs: 1000 },
  { name: 'order', effect: 'irreversible', servedBy: 'external', timeoutMs: 1000 },
]);

const play = (steps: Plan['steps'], over: Partial<Submission> = {}, seal?: PlayOptions['seal']) =>
  new SessionPlay({
    submission: { plan: { steps }, ...over },
    brain: new PlanBrain(),
    tools,
    ...(seal === undefined ? {} : { seal }),
  });
const waits = (session: SessionPlay) => session.snapshot.pending.map((p) => p.call);
const failed: Partial<Outcome> = { status: 'failed' };
const unknown: Partial<Outcome> = {
  status: 'unknown',
  error: { code: 'outcome_unknown', message: 'cut off', retryable: false },
};
const statuses = (session: SessionPlay) =>
  session.timeline.filter((e) => e.type === 'status').map((e) => e.payload['status']);

describe('a plan going forward', () => {
  it('runs what is ready at once, hands results on, and ends with each result', async () => {
    const session = play([
      { id: 'a', tool: 'look', after: [] },
      { id: 'b', tool: 'look', after: [] },
      {
        id: 'c',
        tool: 'look',
        after: ['a', 'b'],
        parameters: { from: { $ref: 'a', pointer: '/x/0' }, all: { $ref: 'b' } },
      },
      { id: 'd', tool: 'look' },
    ]);
    await session.start();
    expect(waits(session)).toEqual(['step:a', 'step:b']);
    await session.answer('step:b', { result: null });
    expect(waits(session)).toEqual(['step:a']);
    await session.answer('step:a', { result: { x: [7] } });
    expect(session.snapshot.pending[0]).toMatchObject({ call: 'step:c', parameters: { from: 7, all: null } });
    await session.answer('step:c', { result: 'c' });
    await session.answer('step:d', { result: ['d'] });
    expect(session.snapshot).toMatchObject({
      status: 'completed',
      result: { a: { x: [7] }, b: null, c: 'c', d: ['d'] },
      brain_state: 'ssss',
      usage: { steps: 5, tool_calls: 4 },
    });
    expect(statuses(session)).toEqual(['queued', 'waiting_tool', 'completed']);
    expect(session.timeline.map((e) => e.seq)).toEqual(session.timeline.map((_, i) => i + 1));
  });

  it('names its intents by session, step and place, and carries what the step decided', async () => {
    const session = play([
      { id: 'a', tool: 'look', after: [] },
      { id: 'b', tool: 'look', after: [] },
    ]);
    await session.start();
    expect(session.snapshot.outbox).toMatchObject({
      intent_ids: ['sess-PLAY.1.0', 'sess-PLAY.1.1'],
      commit: {
        step: 1,
        version: 2,
        applied: 'sess-PLAY.created',
        status: 'waiting_tool',
        usage: { tool_calls: 2 },
      },
    });
  });

  it('fails the step whose pointer finds nothing, and seals what is under way', async () => {
    const session = play([
      { id: 'a', tool: 'look', after: [] },
      { id: 'b', tool: 'look', after: [] },
      { id: 'c', tool: 'look', after: ['a'], parameters: { x: { $ref: 'a', pointer: '/no' } } },
    ]);
    await session.start();
    await session.answer('step:a', { result: {} });
    expect(session.snapshot).toMatchObject({
      status: 'failed',
      error: { code: 'ref_unresolved' },
      result: { a: {} },
    });
    expect(session.history.map((e) => [e.key, e.kind === 'observation' && e.outcome.status])).toEqual([
      ['step:a', 'succeeded'],
      ['step:c', 'failed'],
      ['step:b', 'cancelled'],
    ]);
  });

  it('applies an outcome once', async () => {
    const session = play([
      { id: 'a', tool: 'look' },
      { id: 'b', tool: 'look' },
    ]);
    await session.start();
    await session.answer('step:a');
    const before = session.snapshot;
    expect(await session.answer('step:a', failed)).toBe('ignored');
    expect(session.snapshot).toBe(before);
  });

  it('parks over an outcome that belongs to other parameters', async () => {
    const session = play([{ id: 'a', tool: 'look' }]);
    await session.start();
    await session.observe({
      type: 'tool_result',
      id: 'x',
      intent_id: 'sess-PLAY.1.0',
      digest: 'of something else',
      outcome: { status: 'succeeded', result: 1, error: null, attempts: 1, started_at: '', duration_ms: 0 },
    });
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'intent_conflict' } });
  });
});

const fan = ['a', 'b', 'c'].map((id) => ({ id, tool: 'save', after: [] }));

describe('failure with siblings under way (rule 6)', () => {
  it('seals what is not started, waits for what is, emits nothing new, and then ends', async () => {
    const session = play([...fan, { id: 'd', tool: 'look', after: ['c'] }], {}, (intent) => ({
      kind: intent.call === 'step:b' ? 'sealed' : 'started',
    }));
    await session.start();
    await session.answer('step:a', failed);
    expect(waits(session)).toEqual(['step:c']);
    expect(session.snapshot).toMatchObject({ status: 'waiting_tool', ending: { status: 'failed' } });
    await session.answer('step:c', { result: 3 });
    expect(session.snapshot).toMatchObject({
      status: 'failed',
      error: { code: 'step_failed', details: { step: 'a' } },
      result: { c: 3 },
      pending: [],
    });
    expect(session.emitted).toHaveLength(3);
    expect(session.timeline.at(-1)?.payload).toMatchObject({ status: 'failed' });
  });

  it('takes an outcome that was recorded before the seal', async () => {
    const recorded: Outcome = {
      status: 'succeeded',
      result: 'r',
      error: null,
      attempts: 1,
      started_at: '',
      duration_ms: 1,
    };
    const session = play(fan, {}, () => ({ kind: 'recorded', outcome: recorded }));
    await session.start();
    await session.answer('step:a', failed);
    expect(session.snapshot).toMatchObject({ status: 'failed', result: { b: 'r', c: 'r' } });
    expect(session.snapshot.outbox.commit?.answers).toMatchObject([
      { kind: 'decision', finish: { kind: 'failed' } },
      { kind: 'sealed', answers: [{ kind: 'recorded' }, { kind: 'recorded' }] },
      { kind: 'conclusion' },
    ]);
  });

  it('parks instead when a sibling turns out unknown', async () => {
    const session = play(
      [
        { id: 'a', tool: 'save', after: [] },
        { id: 'p', tool: 'pay', after: [] },
      ],
      {},
      () => ({
        kind: 'started',
      }),
    );
    await session.start();
    await session.answer('step:a', failed);
    await session.answer('step:p', unknown);
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'outcome_unknown', details: { tool_name: 'pay' } },
    });
  });
});

describe('cancel', () => {
  it('ends a session that nobody has begun, without a think', async () => {
    const session = play(fan);
    await session.cancel();
    expect(session.snapshot).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(session.emitted).toEqual([]);
    expect(await session.start()).toBe('ignored');
  });
  it('is taken up by whichever observation comes first after it was asked for', async () => {
    const session = play([
      { id: 'a', tool: 'look' },
      { id: 'b', tool: 'look' },
    ]);
    await session.start();
    session.snapshot = {
      ...session.snapshot,
      cancel_requested: { compensate: false, at: 1, reason: 'enough' },
    };
    await session.answer('step:a');
    expect(session.snapshot).toMatchObject({
      status: 'cancelled',
      error: { message: expect.stringContaining('enough') },
    });
    expect(await session.cancel()).toBe('ignored');
  });
  it('waits for what is started, and keeps a failure a failure', async () => {
    const session = play(fan, {}, () => ({ kind: 'started' }));
    await session.start();
    await session.cancel();
    await session.answer('step:a', failed);
    await session.answer('step:b');
    expect(session.snapshot.status).toBe('waiting_tool');
    expect(await session.cancel()).toBe('ignored');
    await session.answer('step:c');
    expect(session.snapshot).toMatchObject({ status: 'cancelled', result: { b: null, c: null } });
  });
  it('ends a session that waits for a person', async () => {
    const session = play([{ id: 'p', tool: 'pay' }]);
    await session.start();
    await session.answer('step:p', unknown);
    expect(session.snapshot.status).toBe('parked');
    await session.cancel();
    expect(session.snapshot.status).toBe('cancelled');
  });
});

const trip: Plan['steps'] = [
  { id: 'flight', tool: 'book', after: [], parameters: { city: 'Chengdu' } },
  {
    id: 'hotel',
    tool: 'save',
    after: [],
    compensation: { tool: 'refund', parameters: { of: { $ref: 'hotel', pointer: '/id' } } },
  },
  { id: 'seat', tool: 'book', after: ['flight'] },
  { id: 'bill', tool: 'pay', after: ['seat', 'hotel'] },
];
/** A trip of which all but the bill is done. */
const booked = async (over: Partial<Submission> = { saga: true }, steps = trip): Promise<SessionPlay> => {
  const session = play(steps, over);
  await session.start();
  await session.answer('step:flight', { result: { booking: 'F1', extra: 1 } });
  await session.answer('step:hotel', { result: { id: 'H1' } });
  await session.answer('step:seat', { result: { booking: 'S1' } });
  return session;
};

describe('a saga', () => {
  it('undoes in reverse order of dependency, independent ones at once, and ends compensated', async () => {
    const session = await booked();
    await session.answer('step:bill', failed);
    expect(session.snapshot.status).toBe('compensating');
    expect(session.snapshot.pending).toEqual([
      expect.objectContaining({
        tool: 'unbook',
        parameters: { booking: 'S1' },
        call: 'undo:seat',
        compensates: 'sess-PLAY.2.0',
      }),
      expect.objectContaining({
        tool: 'refund',
        parameters: { of: 'H1' },
        call: 'undo:hotel',
        compensates: 'sess-PLAY.1.1',
      }),
    ]);
    await session.answer('undo:seat');
    // the declared compensation's own fields, from the result and from the original parameters
    expect(session.snapshot.pending.find((p) => p.call === 'undo:flight')).toMatchObject({
      parameters: { booking: 'F1', city: 'Chengdu' },
      compensates: 'sess-PLAY.1.0',
    });
    await session.answer('undo:hotel');
    expect(session.snapshot.status).toBe('compensating');
    await session.answer('undo:flight');
    expect(session.snapshot).toMatchObject({
      status: 'compensated',
      error: { code: 'step_failed' },
      brain_state: 'dddf',
    });
    expect(session.snapshot.result).toBeUndefined();
    expect(statuses(session)).toEqual(['queued', 'waiting_tool', 'compensating', 'compensated']);
  });

  it('undoes a step of unknown outcome as well', async () => {
    const session = play([trip[0]!, { id: 'seat', tool: 'book' }], { saga: true });
    await session.start();
    await session.answer('step:flight', unknown);
    expect(session.snapshot).toMatchObject({
      status: 'compensating',
      pending: [{ call: 'undo:flight', parameters: { city: 'Chengdu' } }],
    });
    await session.answer('undo:flight');
    expect(session.snapshot).toMatchObject({ status: 'compensated', error: { code: 'outcome_unknown' } });
  });

  it('parks when a compensation refers into an unknown result', async () => {
    const steps = [{ ...trip[1]!, tool: 'pay' }];
    const session = play(steps, { saga: true });
    await session.start();
    await session.answer('step:hotel', unknown);
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'compensation_failed' } });
  });

  it('parks before undoing anything when what may be done can not be undone', async () => {
    const session = await booked();
    await session.answer('step:bill', unknown);
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
    expect(session.emitted.filter((i) => i.compensates !== undefined)).toEqual([]);
    await session.cancel(true);
    expect(session.snapshot.status).toBe('compensating');
  });

  it('parks over a compensatable step of unknown outcome for which no compensation is known', async () => {
    const session = play([trip[0]!, { id: 'b', tool: 'bare' }], { saga: true });
    await session.start();
    await session.answer('step:flight', { result: { booking: 'F' } });
    await session.answer('step:b', unknown);
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
    expect(session.emitted).toHaveLength(2);
  });

  it('is failed when there was nothing to undo', async () => {
    const session = play(trip, { saga: true }, () => ({ kind: 'sealed' }));
    await session.start();
    await session.answer('step:flight', failed);
    expect(session.snapshot).toMatchObject({ status: 'failed', result: {} });
  });

  it('without `saga` undoes nothing', async () => {
    const session = await booked({});
    await session.answer('step:bill', failed);
    expect(session.snapshot).toMatchObject({ status: 'failed', result: { hotel: { id: 'H1' } } });
  });

  it('goes on undoing when it is cancelled meanwhile', async () => {
    const session = await booked();
    await session.answer('step:bill', failed);
    await session.cancel();
    await session.answer('undo:seat');
    await session.answer('undo:hotel');
    await session.answer('undo:flight');
    expect(session.snapshot.status).toBe('compensated');
  });
});

describe('cancel with compensate', () => {
  it('undoes nothing before a person has looked at an unknown outcome that nothing undoes', async () => {
    const session = play([trip[0]!, { id: 'p', tool: 'pay', after: [] }], {}, () => ({ kind: 'started' }));
    await session.start();
    await session.answer('step:flight', { result: { booking: 'F' } });
    await session.cancel(true);
    await session.answer('step:p', unknown);
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
    expect(session.emitted).toHaveLength(2);
  });
  it('ends compensated when something was undone, saga or not', async () => {
    const session = await booked({});
    await session.cancel(true);
    for (const call of ['undo:seat', 'undo:hotel', 'undo:flight']) await session.answer(call);
    expect(session.snapshot).toMatchObject({ status: 'compensated', error: { code: 'cancelled' } });
  });
  it('ends cancelled when nothing was', async () => {
    const session = play(trip, {});
    await session.start();
    await session.cancel(true);
    expect(session.snapshot.status).toBe('cancelled');
  });
});

describe('a compensation that fails', () => {
  const one = (policy?: 'park' | 'skip' | 'retry'): Plan['steps'] => [
    { ...trip[0]!, ...(policy === undefined ? {} : { on_compensation_failure: policy }) },
    { id: 'seat', tool: 'book' },
    { id: 'bill', tool: 'pay' },
  ];
  const stuck = async (policy: 'park' | 'skip' | 'retry' | undefined, outcome: Partial<Outcome>) => {
    const session = play(one(policy), { saga: true });
    await session.start();
    await session.answer('step:flight', { result: { booking: 'F1' } });
    await session.answer('step:seat', { result: { booking: 'S1' } });
    await session.answer('step:bill', failed);
    await session.answer('undo:seat');
    await session.answer('undo:flight', outcome);
    return session;
  };
  it.each([undefined, 'park'] as const)('parks the session by policy %s', async (policy) => {
    const session = await stuck(policy, failed);
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'compensation_failed', details: { steps: ['flight'] } },
    });
  });
  it('is left by policy skip, and the session says so', async () => {
    const session = await stuck('skip', failed);
    expect(session.snapshot).toMatchObject({
      status: 'compensated',
      error: { details: { not_undone: ['flight'] } },
    });
  });
  it('is tried again by policy retry, under a new id, later and later', async () => {
    const session = await stuck('retry', failed);
    const again = session.snapshot.pending[0];
    expect(again).toMatchObject({ call: 'undo:flight#2', not_before: session.now + 1000 });
    expect(session.snapshot.outbox.intent_ids).toEqual([]);
    expect(nextWake(session.snapshot, session.now)).toBe(session.now + 1000);
    await session.answer('undo:flight#2', failed);
    expect(session.snapshot.pending[0]).toMatchObject({
      call: 'undo:flight#3',
      not_before: session.now + 2000,
    });
    await session.answer('undo:flight#3');
    expect(session.snapshot.status).toBe('compensated');
    expect(new Set(session.emitted.map((i) => i.intent_id)).size).toBe(session.emitted.length);
  });
  it('of unknown outcome is tried again only where that is harmless', async () => {
    const harmless = await stuck('retry', unknown);
    expect(harmless.snapshot.status).toBe('compensating');
    const session = play(
      [
        { ...trip[1]!, on_compensation_failure: 'retry' },
        { id: 'bill', tool: 'pay' },
      ],
      { saga: true },
    );
    await session.start();
    await session.answer('step:hotel', { result: { id: 1 } });
    await session.answer('step:bill', failed);
    await session.answer('undo:hotel', unknown);
    expect(session.snapshot.status).toBe('parked');
  });
  it('waits for the compensations beside it before it parks', async () => {
    const session = await booked();
    await session.answer('step:bill', failed);
    await session.answer('undo:seat', failed);
    expect(waits(session)).toEqual(['undo:hotel']);
    await session.answer('undo:hotel');
    expect(session.snapshot).toMatchObject({ status: 'parked', brain_state: 'sdxf' });
  });
});

describe('time', () => {
  const late = (over: Partial<Submission> = {}) =>
    play(
      [
        { id: 'a', tool: 'look' },
        { id: 'b', tool: 'look' },
      ],
      { deadline: new Date(1_000_500).toISOString(), ...over },
    );
  const due = (session: SessionPlay, timer_id: string) =>
    session.observe({ type: 'timer', id: `timer.${timer_id}.${session.snapshot.version}`, timer_id });

  it('ends the session at its deadline, not before', async () => {
    const session = late();
    await session.start();
    expect(nextWake(session.snapshot, session.now)).toBe(1_000_500);
    expect(await due(session, 'deadline')).toBe('ignored');
    session.now = 1_000_500;
    await due(session, 'deadline');
    expect(session.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
  });
  it('lets nothing new be emitted after the deadline, timer or not', async () => {
    const session = late();
    await session.start();
    session.now = 1_000_501;
    await session.answer('step:a', { result: 1 });
    expect(session.snapshot).toMatchObject({
      status: 'failed',
      error: { code: 'deadline_exceeded' },
      result: { a: 1 },
    });
  });
  it('does not end a session that is undoing, nor wake it for that', async () => {
    const session = play(trip, { saga: true, deadline: new Date(1_000_500).toISOString() });
    await session.start();
    await session.answer('step:flight', { result: { booking: 'F' } });
    await session.answer('step:hotel', failed);
    session.now = 1_000_600;
    expect(await due(session, 'deadline')).toBe('ignored');
    expect(nextWake(session.snapshot, session.now)).toBeGreaterThan(1_000_600);
  });

  it('repeats an external tool that may run twice under the same id, and then gives it up', async () => {
    const session = play([{ id: 'a', tool: 'ask' }]);
    await session.start();
    const id = session.snapshot.pending[0]!.intent_id;
    for (let i = 0; i < 4; i++) {
      expect(await due(session, `intent:${id}`)).toBe('ignored');
      session.now = session.snapshot.pending[0]!.deadline_at;
      await due(session, `intent:${id}`);
      expect(session.snapshot.outbox.intent_ids).toEqual([id]);
    }
    session.now = session.snapshot.pending[0]!.deadline_at;
    await due(session, `intent:${id}`);
    expect(session.snapshot).toMatchObject({
      status: 'failed',
      error: { details: { error: { code: 'tool_timeout' } } },
    });
  });
  it('makes an unanswered external tool unknown when it may not run twice', async () => {
    const session = play([{ id: 'a', tool: 'order' }]);
    await session.start();
    session.now = session.snapshot.pending[0]!.deadline_at;
    await due(session, `intent:${session.snapshot.pending[0]!.intent_id}`);
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
  });
  it('does not wait for an external tool whose run means nothing', async () => {
    const session = play([
      { id: 'a', tool: 'peek', after: [] },
      { id: 'b', tool: 'look', after: [] },
    ]);
    await session.start();
    await session.answer('step:b', failed);
    expect(session.snapshot.status).toBe('failed');
  });
  it('waits for an external tool when the session fails, since nobody can seal it', async () => {
    const session = play([
      { id: 'a', tool: 'order', after: [] },
      { id: 'b', tool: 'look', after: [] },
    ]);
    await session.start();
    await session.answer('step:b', failed);
    expect(waits(session)).toEqual(['step:a']);
    await session.answer('step:a', { result: 'in time' });
    expect(session.snapshot).toMatchObject({ status: 'failed', result: { a: 'in time' } });
  });
});

describe('a long plan', () => {
  it('reads of its history what it refers to, and nothing else', async () => {
    const steps = Array.from({ length: 50 }, (_, i) => ({
      id: `s${i}`,
      tool: 'look',
      ...(i < 10 ? {} : { parameters: { x: { $ref: `s${i - 10}` } as Json } }),
    }));
    const session = play(steps);
    await session.start();
    for (let i = 0; i < 49; i++) {
      session.reads.length = 0;
      await session.answer(`step:s${i}`, { result: i });
      expect(session.reads).toEqual(i < 9 ? [] : [[`step:s${i - 9}`]]);
    }
  });
});
