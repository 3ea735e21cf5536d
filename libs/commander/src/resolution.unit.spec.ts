import { describe, expect, it } from '@jest/globals';
import type { Outcome, Plan, Submission } from '#contracts';
import { NamedTools } from '#testing';
import { PlanBrain } from './brains/plan/plan.brain.js';
import { nextWake } from './core/next-wake.js';
import { SessionPlay } from './play/session-play.js';

const tools = new NamedTools([
  { name: 'look' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  { name: 'unbook', effect: 'idempotent' },
  { name: 'pay', effect: 'irreversible' },
  { name: 'refund', effect: 'irreversible' },
]);
const play = async (steps: Plan['steps'], over: Partial<Submission> = {}) => {
  const session = new SessionPlay({
    submission: { plan: { steps }, ...over },
    brain: new PlanBrain(),
    tools,
    seal: () => ({ kind: 'started' }),
  });
  await session.start();
  return session;
};
const failed: Partial<Outcome> = { status: 'failed' };
const unknown: Partial<Outcome> = {
  status: 'unknown',
  error: { code: 'outcome_unknown', message: 'cut off', retryable: false },
};
const waits = (session: SessionPlay) => session.snapshot.pending.map((p) => p.call);
const stuck = (session: SessionPlay) => session.snapshot.stuck?.map((s) => s.intent.call);
const told = (session: SessionPlay) =>
  session.timeline.slice(1).map(({ type, payload }) => payload['status'] ?? payload['type'] ?? type);

describe('a step of unknown outcome', () => {
  const paid = async (over: Partial<Submission> = {}) => {
    const session = await play(
      [
        { id: 'pay', tool: 'pay', parameters: { sum: 1 } },
        { id: 'look', tool: 'look', parameters: { paid: { $ref: 'pay', pointer: '/receipt' } } },
      ],
      over,
    );
    await session.answer('step:pay', unknown);
    return session;
  };

  it('parks its session, which shows what is stuck', async () => {
    const session = await paid();
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      pending: [],
      error: { code: 'outcome_unknown', details: { intent_id: 'sess-PLAY.1.0' } },
      stuck: [{ intent: { tool: 'pay', parameters: { sum: 1 } }, outcome: unknown }],
    });
    expect(nextWake(session.snapshot, session.now)).toBeGreaterThan(session.now);
  });

  it('settled as done has the result that the person gives, and the plan goes on with it', async () => {
    const session = await paid();
    await session.resolve('step:pay', { result: { receipt: 'R1' } });
    expect(session.snapshot).toMatchObject({ status: 'waiting_tool' });
    expect([session.snapshot.stuck, session.snapshot.error]).toEqual([undefined, undefined]);
    expect(session.snapshot.pending).toMatchObject([{ call: 'step:look', parameters: { paid: 'R1' } }]);
    await session.answer('step:look');
    expect(session.snapshot).toMatchObject({
      status: 'completed',
      result: { pay: { receipt: 'R1' }, look: null },
    });
    expect(told(session)).toEqual([
      'intent',
      'waiting_tool',
      'unknown',
      'parked',
      'resolution',
      'observation',
      'waiting_tool',
      'intent',
      'observation',
      'completed',
    ]);
    expect(session.timeline.find((e) => e.payload['type'] === 'resolution')?.payload).toMatchObject({
      intent_id: 'sess-PLAY.1.0',
      outcome: 'succeeded',
      by: 'ann',
      reason: 'looked',
    });
    expect(session.history.filter((e) => e.kind === 'observation').map((e) => e.outcome.status)).toEqual([
      'succeeded',
      'succeeded',
    ]);
  });

  it('settled as not done fails the plan', async () => {
    const session = await paid();
    await session.resolve('step:pay', { outcome: 'failed', reason: 'no money moved' });
    expect(session.snapshot).toMatchObject({
      status: 'failed',
      error: {
        code: 'step_failed',
        message: expect.stringContaining('ann settled it as not done: no money'),
      },
    });
  });

  it('is run again as a new intent with as much time, with other parameters if the person gives them', async () => {
    const session = await paid();
    const { intent } = session.snapshot.stuck![0]!;
    session.now += 1_000_000;
    await session.resolve('step:pay', { outcome: 'retry', parameters: { sum: 2 }, digest: 'd2' });
    const [again] = session.snapshot.pending;
    expect(again).toMatchObject({
      intent_id: 'sess-PLAY.2.0',
      call: 'step:pay',
      parameters: { sum: 2 },
      digest: 'd2',
      effect: 'irreversible',
      deadline_at: session.now + intent.deadline_at - intent.emitted_at,
    });
    expect(session.snapshot).toMatchObject({
      status: 'waiting_tool',
      outbox: { intent_ids: ['sess-PLAY.2.0'] },
    });
    await session.answer('sess-PLAY.2.0', { result: { receipt: 'R' } });
    expect(waits(session)).toEqual(['step:look']);
  });

  it('is settled once', async () => {
    const session = await paid();
    await session.resolve('step:pay');
    expect(await session.resolve('step:pay', { outcome: 'failed' })).toBe('ignored');
    expect(await session.resolve('sess-PLAY.1.0', { outcome: 'retry' })).toBe('ignored');
  });

  it('whose answer comes too late is told so, if it was accepted', async () => {
    const session = await paid();
    const sent = {
      id: 'sess-PLAY.1.0.resolution',
      name: 'observation.resolution' as const,
      at: 1,
      version: 3,
      data: {},
    };
    session.snapshot = { ...session.snapshot, inbox: [sent], stuck: undefined };
    await session.resolve('sess-PLAY.1.0');
    expect(session.timeline.at(-1)?.payload).toMatchObject({ type: 'resolution', refused: 'not_awaited' });
    expect(session.snapshot).toMatchObject({ status: 'parked' });
    expect(session.snapshot.inbox).toBeUndefined();
  });

  it('in a saga whose answer is "not done" undoes what was', async () => {
    const session = await play(
      [
        { id: 'book', tool: 'book' },
        { id: 'pay', tool: 'pay' },
      ],
      { saga: true },
    );
    await session.answer('step:book', { result: 1 });
    await session.answer('step:pay', unknown);
    expect(session.snapshot.status).toBe('parked');
    await session.resolve('step:pay', { outcome: 'failed' });
    expect(waits(session)).toEqual(['undo:book']);
    await session.answer('undo:book');
    expect(session.snapshot.status).toBe('compensated');
  });
});

describe('several at once', () => {
  const fan = (over: Partial<Submission> = {}) =>
    play(
      [
        { id: 'a', tool: 'pay', after: [] },
        { id: 'b', tool: 'pay', after: [] },
        { id: 'c', tool: 'look', after: [] },
        { id: 'd', tool: 'look', after: ['a', 'b', 'c'] },
      ],
      over,
    );

  it('what is under way is waited for, not stopped, and nothing new is emitted until all are settled', async () => {
    const session = await fan();
    await session.answer('step:a', unknown);
    expect(session.snapshot.status).toBe('waiting_tool');
    await session.answer('step:c');
    await session.answer('step:b', unknown);
    expect(session.snapshot).toMatchObject({ status: 'parked', pending: [] });
    expect(stuck(session)).toEqual(['step:a', 'step:b']);
    await session.resolve('step:b');
    expect(session.snapshot.status).toBe('parked');
    await session.resolve('step:a');
    expect(waits(session)).toEqual(['step:d']);
  });

  it('one can be settled before the others have ended', async () => {
    const session = await fan();
    await session.answer('step:a', unknown);
    await session.resolve('step:a');
    expect(session.snapshot.status).toBe('waiting_tool');
    await session.answer('step:b');
    await session.answer('step:c');
    expect(waits(session)).toEqual(['step:d']);
  });

  it('one that failed meanwhile fails the session once the other is settled', async () => {
    const session = await fan();
    await session.answer('step:a', unknown);
    await session.answer('step:c', failed);
    await session.answer('step:b');
    expect(session.snapshot.status).toBe('parked');
    await session.resolve('step:a');
    expect(session.snapshot).toMatchObject({ status: 'failed', error: { details: { step: 'c' } } });
  });

  it('a session that is failing already ends when its unknown is settled, which is not run again', async () => {
    const session = await fan();
    await session.answer('step:c', failed);
    await session.answer('step:a', unknown);
    await session.answer('step:b', { result: 'b' });
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
    expect(await session.resolve('step:a', { outcome: 'retry' })).toBe('ignored');
    await session.resolve('step:a', { result: 'a' });
    expect(session.snapshot).toMatchObject({
      status: 'failed',
      error: { code: 'step_failed', details: { step: 'c' } },
      result: { a: 'a', b: 'b' },
    });
  });

  it('a cancel gives up waiting for a person', async () => {
    const session = await fan();
    await session.answer('step:a', unknown);
    await session.cancel();
    await session.answer('step:b');
    await session.answer('step:c');
    expect(session.snapshot).toMatchObject({ status: 'cancelled' });
    expect(session.snapshot.stuck).toBeUndefined();
    const entry = session.history.find((e) => e.key === 'step:a');
    expect(entry).toMatchObject({ outcome: { status: 'unknown' } });
  });
});

describe('a compensation that is stuck', () => {
  const steps: Plan['steps'] = [
    {
      id: 'flight',
      tool: 'book',
      compensation: { tool: 'refund', parameters: { of: { $ref: 'flight', pointer: '/id' } } },
    },
    { id: 'seat', tool: 'book' },
    { id: 'bill', tool: 'pay' },
  ];
  /** The seat's undoing has failed; the flight's waits for it. */
  const parked = async () => {
    const session = await play(steps, { saga: true });
    await session.answer('step:flight', { result: { id: 'F' } });
    await session.answer('step:seat', { result: { id: 'S' } });
    await session.answer('step:bill', failed);
    await session.answer('undo:seat', failed);
    return session;
  };

  it('is shown with its parameters, and what it was to undo', async () => {
    const session = await parked();
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'compensation_failed', details: { steps: ['seat'] } },
      stuck: [{ intent: { tool: 'unbook', compensates: 'sess-PLAY.2.0' }, outcome: { status: 'failed' } }],
    });
  });

  it('is run again as a new intent, and parks again when it fails again', async () => {
    const session = await parked();
    await session.resolve('undo:seat', { outcome: 'retry', parameters: { id: 'S1' }, digest: 'd' });
    expect(session.snapshot).toMatchObject({ status: 'compensating' });
    expect(session.snapshot.stuck).toBeUndefined();
    const [again] = session.snapshot.pending;
    expect(again).toMatchObject({ parameters: { id: 'S1' }, compensates: 'sess-PLAY.2.0' });
    expect(session.emitted.filter((i) => i.intent_id === again?.intent_id)).toHaveLength(1);
    await session.answer(again!.intent_id, failed);
    expect(session.snapshot.status).toBe('parked');
    await session.resolve(again!.intent_id, { outcome: 'retry' });
    await session.answer(session.snapshot.pending[0]!.intent_id);
    expect(waits(session)).toEqual(['undo:flight']);
    await session.answer('undo:flight');
    expect(session.snapshot).toMatchObject({ status: 'compensated', error: { code: 'step_failed' } });
  });

  it('marked as done lets the rest be undone', async () => {
    const session = await parked();
    await session.resolve('undo:seat', { outcome: 'succeeded', reason: 'phoned them' });
    expect(waits(session)).toEqual(['undo:flight']);
    await session.answer('undo:flight');
    expect(session.snapshot).toMatchObject({ status: 'compensated', brain_state: 'ddf' });
  });

  it('is given up with "failed": the rest is undone, and the session says what is not', async () => {
    const session = await parked();
    await session.resolve('undo:seat', { outcome: 'failed' });
    await session.answer('undo:flight');
    expect(session.snapshot).toMatchObject({
      status: 'compensated',
      error: { details: { not_undone: ['seat'] } },
    });
  });

  it('for which its plan has no parameters is run with those of a person', async () => {
    const session = await play([steps[0]!, { id: 'bill', tool: 'pay' }], { saga: true });
    await session.answer('step:flight', unknown);
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      stuck: [
        {
          intent: { tool: 'refund', parameters: { of: { $ref: 'flight' } }, compensates: 'sess-PLAY.1.0' },
          outcome: { error: { code: 'ref_unresolved' } },
        },
      ],
    });
    await session.resolve('undo:flight', { outcome: 'retry', parameters: { of: 'F9' }, digest: 'd' });
    await session.answer(session.snapshot.pending[0]!.intent_id);
    expect(session.snapshot.status).toBe('compensated');
  });

  it('beside another one is settled by itself', async () => {
    const session = await play(
      [
        { id: 'a', tool: 'book', after: [] },
        { id: 'b', tool: 'book', after: [] },
        { id: 'bill', tool: 'pay', after: ['a', 'b'] },
      ],
      { saga: true },
    );
    await session.answer('step:a');
    await session.answer('step:b');
    await session.answer('step:bill', failed);
    await session.answer('undo:a', failed);
    await session.answer('undo:b', failed);
    expect(stuck(session)).toEqual(['undo:a', 'undo:b']);
    await session.resolve('undo:b', { outcome: 'retry' });
    expect(session.snapshot.status).toBe('compensating');
    await session.answer(session.snapshot.pending[0]!.intent_id);
    expect(session.snapshot).toMatchObject({ status: 'parked', brain_state: 'xdf' });
    await session.resolve('undo:a');
    expect(session.snapshot.status).toBe('compensated');
  });

  it('is given up by a cancel', async () => {
    const session = await parked();
    await session.cancel();
    expect(session.snapshot).toMatchObject({ status: 'cancelled' });
    expect(session.snapshot.stuck).toBeUndefined();
  });
});
