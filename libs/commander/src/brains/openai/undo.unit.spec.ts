import { describe, expect, it } from '@jest/globals';
import type { Outcome, Submission } from '#contracts';
import { NamedTools } from '#testing';
import type { Brain, Decision } from '../../brain.js';
import { SessionPlay } from '../../play/session-play.js';
import { windUp } from './undo.js';

const tools = new NamedTools([
  { name: 'look', compensation: 'cancel' },
  {
    name: 'book',
    effect: 'compensatable',
    compensation: 'cancel',
  },
  { name: 'pay', effect: 'irreversible' },
  {
    name: 'cancel',
    effect: 'idempotent',
    parameters: { type: 'object', properties: { booking: {}, to: {} }, additionalProperties: false },
  },
]);

/** A model with a script: the calls of each turn as `[tool, id, arguments]`, or how it ends. */
class Scripted implements Brain {
  readonly name = 'openai';
  readonly thinksAfter = 'all';
  constructor(private readonly script: (readonly [string, string, object][] | Decision['finish'])[]) {}

  unavailable(): undefined {
    return undefined;
  }
  think(): Decision {
    const turn = this.script.shift();
    if (!Array.isArray(turn)) return { calls: [], finish: turn as NonNullable<Decision['finish']> };
    const calls = turn as readonly [string, string, object][];
    return {
      calls: calls.map(([tool, call, parameters]) => ({ tool, call, parameters: { ...parameters } })),
      message: {
        v: 1,
        text: null,
        finish: 'tool_calls',
        calls: calls.map(([name, id, given]) => ({ id, name, arguments: JSON.stringify(given) })),
      },
    };
  }
  conclude = windUp;
}

const gaveUp: Decision['finish'] = {
  kind: 'failed',
  error: { code: 'brain_refused', message: 'The model refused: no', retryable: false },
};
const unknown: Partial<Outcome> = {
  status: 'unknown',
  error: { code: 'outcome_unknown', message: 'cut off', retryable: false },
};
const trip = [
  [
    ['book', 'c1', { to: 'Chengdu' }],
    ['look', 'c2', {}],
  ],
  [
    ['book', 'c3', { to: 'Emei' }],
    ['book', 'c4', { to: 'Leshan' }],
  ],
] as const;

const play = async (over: Partial<Submission>, ...script: ConstructorParameters<typeof Scripted>[0]) => {
  const submission = { input: 'travel', ...over };
  const session = new SessionPlay({ submission, brain: new Scripted(script), tools });
  await session.start();
  return session;
};
const waits = (session: SessionPlay) => session.snapshot.pending.map((p) => p.call);
/** Both turns done, but for what comes then. */
const travelled = async (
  over: Partial<Submission>,
  then: Decision['finish'] | readonly [string, string, object][],
) => {
  const session = await play(
    over,
    ...trip.map((turn) => turn.map((c) => [...c] as [string, string, object])),
    then,
  );
  await session.answer('c1', { result: { booking: 'B1' } });
  await session.answer('c2');
  await session.answer('c3', { result: { booking: 'B3' } });
  await session.answer('c4', { result: { booking: 'B4' } });
  return session;
};

describe('a saga of a model', () => {
  it('that gives up undoes what its tools declare, the last turn first, and ends compensated', async () => {
    const session = await travelled({ saga: true }, gaveUp);
    expect(session.snapshot).toMatchObject({
      status: 'compensating',
      pending: [
        {
          call: 'undo:c3',
          tool: 'cancel',
          parameters: { booking: 'B3', to: 'Emei' },
          compensates: 'sess-PLAY.2.0',
        },
        { call: 'undo:c4', parameters: { booking: 'B4', to: 'Leshan' }, compensates: 'sess-PLAY.2.1' },
      ],
    });
    await session.answer('undo:c4');
    expect(waits(session)).toEqual(['undo:c3']);
    await session.answer('undo:c3');
    expect(waits(session)).toEqual(['undo:c1']);
    await session.answer('undo:c1');
    expect(session.snapshot).toMatchObject({ status: 'compensated', error: { code: 'brain_refused' } });
  });

  it('undoes a call of unknown outcome with the original parameters', async () => {
    const session = await play({ saga: true }, [['book', 'c1', { to: 'Chengdu' }]]);
    await session.answer('c1', unknown);
    expect(session.snapshot.pending).toMatchObject([{ call: 'undo:c1', parameters: { to: 'Chengdu' } }]);
    await session.answer('undo:c1');
    expect(session.snapshot).toMatchObject({ status: 'compensated', error: { code: 'outcome_unknown' } });
  });

  it('parks over an undoing that fails, before what was done earlier is undone; a person settles it', async () => {
    const session = await travelled({ saga: true }, gaveUp);
    await session.answer('undo:c3', { status: 'failed' });
    await session.answer('undo:c4');
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'compensation_failed', details: { intents: ['sess-PLAY.2.0'] } },
      stuck: [{ intent: { call: 'undo:c3' } }],
    });
    await session.resolve('undo:c3', { outcome: 'retry' });
    const [again] = session.snapshot.pending;
    await session.answer(again!.intent_id, { status: 'failed' });
    expect(session.snapshot.status).toBe('parked');
    await session.resolve(again!.intent_id);
    expect(waits(session)).toEqual(['undo:c1']);
    await session.answer('undo:c1');
    expect(session.snapshot.status).toBe('compensated');
  });

  it('is failed when there was nothing to undo, and undoes nothing when it is none', async () => {
    const nothing = await play({ saga: true }, gaveUp);
    expect(nothing.snapshot).toMatchObject({ status: 'failed', error: { code: 'brain_refused' } });
    const none = await travelled({}, gaveUp);
    expect(none.snapshot.status).toBe('failed');
  });

  it('waits for a person before anything is undone when nobody knows whether something irreversible was done', async () => {
    const session = await travelled({ saga: true }, [['pay', 'c5', {}]]);
    await session.answer('c5', unknown);
    expect(session.snapshot).toMatchObject({ status: 'parked', error: { code: 'outcome_unknown' } });
    expect(session.emitted.filter((i) => i.compensates !== undefined)).toEqual([]);
  });
});

it('a cancel with compensate undoes what a model did, saga or not', async () => {
  const session = await travelled({}, [['pay', 'c5', {}]]);
  await session.cancel(true);
  for (const call of ['undo:c3', 'undo:c4', 'undo:c1']) await session.answer(call);
  expect(session.snapshot).toMatchObject({ status: 'compensated', error: { code: 'cancelled' } });
});

it('an outcome that a person gives is what the model reads', async () => {
  const session = await play({}, [['pay', 'c1', {}]], { kind: 'completed', result: { text: 'paid' } });
  await session.answer('c1', unknown);
  expect(session.snapshot.status).toBe('parked');
  await session.resolve('c1', { result: 'R1' });
  expect(session.snapshot).toMatchObject({ status: 'completed', result: { text: 'paid' } });
  expect(session.history.find((e) => e.kind === 'observation')).toMatchObject({
    call: 'c1',
    outcome: { status: 'succeeded', result: 'R1' },
  });
});
