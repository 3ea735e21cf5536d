import { describe, expect, it } from '@jest/globals';
import type { Plan, Submission } from '#contracts';
import { NamedTools } from '#testing';
import { PlanBrain } from './brains/plan/plan.brain.js';
import { nextWake } from './core/next-wake.js';
import { PLAYED, SessionPlay } from './play/session-play.js';

const tools = new NamedTools([
  { name: 'look' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  { name: 'unbook', effect: 'idempotent' },
]);
const play = (steps: Plan['steps'], over: Partial<Submission> = {}) =>
  new SessionPlay({ submission: { plan: { steps }, ...over }, brain: new PlanBrain(), tools });

const LETTER = 'agent.intent.3.7.dead';
const dead = (session: SessionPlay, event_id: string, intent_id?: string, letter = LETTER) =>
  session.observe({
    type: 'dead_letter',
    id: `${letter}.letter`,
    dead_letter: letter,
    reason: 'poison',
    error: 'it killed two processes',
    event_id,
    ...(intent_id === undefined ? {} : { intent_id }),
  });
const redriven = (session: SessionPlay, letter = LETTER) =>
  session.observe({
    type: 'redriven',
    id: `${letter}.redriven.1`,
    dead_letter: letter,
    by: 'mara',
    reason: 'mended',
  });
const intentOf = (session: SessionPlay, call: string): string =>
  session.emitted.find((intent) => intent.call === call)!.intent_id;
const statuses = (session: SessionPlay) =>
  session.timeline.filter((e) => e.type === 'status').map((e) => e.payload['status']);
const told = (session: SessionPlay) => session.timeline.map(({ payload }) => payload);
const HOUR_MS = 3_600_000;

describe('a dead letter of a session', () => {
  it('parks it, names itself, and leaves its intent pending for whoever redrives it', async () => {
    const session = play([{ id: 'a', tool: 'look' }]);
    await session.start();
    const intent = intentOf(session, 'step:a');
    expect(await dead(session, intent, intent)).toBe('committed');
    expect(session.snapshot).toMatchObject({
      status: 'parked',
      error: { code: 'dead_letter', details: { dead_letter: LETTER, intent_id: intent } },
      pending: [{ intent_id: intent }],
      dead: { status: 'waiting_tool' },
    });
    // nobody repeats it: a person does
    expect(nextWake(session.snapshot, session.now)).toBe(session.now + HOUR_MS);
    // once is enough
    expect(await dead(session, intent, intent)).toBe('ignored');

    await redriven(session);
    expect(session.snapshot).toMatchObject({ status: 'waiting_tool' });
    expect(session.snapshot.error).toBeUndefined();
    expect(session.snapshot.dead).toBeUndefined();
    expect(nextWake(session.snapshot, session.now)).toBe(session.snapshot.pending[0]!.deadline_at);
    expect(await redriven(session)).toBe('ignored');
    await session.answer('step:a', { result: 1 });
    expect(session.snapshot).toMatchObject({ status: 'completed', result: { a: 1 } });
    expect(statuses(session)).toEqual(['queued', 'waiting_tool', 'parked', 'waiting_tool', 'completed']);
    expect(told(session)).toContainEqual({
      type: 'redriven',
      dead_letter: LETTER,
      by: 'mara',
      reason: 'mended',
    });
  });

  it('leaves the branches beside it running, and the session parked meanwhile', async () => {
    const session = play([
      { id: 'a', tool: 'look', after: [] },
      { id: 'b', tool: 'look', after: [] },
      { id: 'c', tool: 'look', after: ['b'] },
    ]);
    await session.start();
    await dead(session, intentOf(session, 'step:a'), intentOf(session, 'step:a'));
    await session.answer('step:b');
    expect(session.snapshot).toMatchObject({ status: 'parked', dead: { status: 'waiting_tool' } });
    await session.answer('step:c');
    expect(session.snapshot.status).toBe('parked');
    // an answer that comes all the same is as good as a redrive
    await session.answer('step:a');
    expect(session.snapshot.status).toBe('completed');
    expect(session.snapshot.dead).toBeUndefined();
    expect(statuses(session).filter((status) => status === 'parked')).toHaveLength(1);
  });

  it('holds a session that has not begun, and lets it begin when its first record is redriven', async () => {
    const session = play([{ id: 'a', tool: 'look' }]);
    await dead(session, `${PLAYED}.created`);
    expect(session.snapshot).toMatchObject({ status: 'parked', dead: { status: 'queued' } });
    await redriven(session);
    expect(session.snapshot.status).toBe('queued');
    await session.start();
    await session.answer('step:a');
    expect(session.snapshot.status).toBe('completed');
  });

  it('about a result stops its repetition until it is redriven', async () => {
    const session = play([{ id: 'a', tool: 'look' }]);
    await session.start();
    const intent = intentOf(session, 'step:a');
    await dead(session, `${intent}.result`, intent);
    expect(nextWake(session.snapshot, session.now)).toBe(session.now + HOUR_MS);
    await redriven(session);
    await session.answer('step:a');
    expect(session.snapshot.status).toBe('completed');
  });

  it('that nobody waits for changes nothing', async () => {
    const session = play([{ id: 'a', tool: 'look' }]);
    await session.start();
    const intent = intentOf(session, 'step:a');
    expect(await dead(session, 'other.1.0', 'other.1.0')).toBe('ignored');
    expect(await dead(session, `${PLAYED}.created`)).toBe('ignored');
    await session.answer('step:a');
    expect(await dead(session, intent, intent)).toBe('ignored');
    expect(session.snapshot.status).toBe('completed');
  });

  it('is no obstacle to a cancel', async () => {
    const session = play([{ id: 'a', tool: 'look' }]);
    await session.start();
    await dead(session, intentOf(session, 'step:a'), intentOf(session, 'step:a'));
    await session.cancel();
    expect(session.snapshot).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(session.snapshot.dead).toBeUndefined();
    expect(statuses(session).at(-1)).toBe('cancelled');
  });

  it('of a compensation shows the session parked, and the rest is undone all the same', async () => {
    const session = play(
      [
        { id: 'a', tool: 'book', after: [] },
        { id: 'b', tool: 'book', after: [] },
        { id: 'c', tool: 'look', after: ['a', 'b'] },
      ],
      { saga: true },
    );
    await session.start();
    await session.answer('step:a');
    await session.answer('step:b');
    await session.answer('step:c', { status: 'failed' });
    expect(session.snapshot.status).toBe('compensating');
    const undo = intentOf(session, 'undo:a');
    await dead(session, undo, undo);
    expect(session.snapshot.status).toBe('parked');
    await session.answer('undo:b');
    expect(session.snapshot).toMatchObject({ status: 'parked', pending: [{ call: 'undo:a' }] });
    await redriven(session);
    expect(session.snapshot.status).toBe('compensating');
    await session.answer('undo:a');
    expect(session.snapshot.status).toBe('compensated');
  });
});
