import { describe, expect, it } from '@jest/globals';
import { isTerminal, type Submission } from '#contracts';
import { NamedTools } from '#testing';
import type { Brain, Decision, ThinkContext } from './brain.js';
import { PlanBrain } from './brains/plan/plan.brain.js';
import { nextWake } from './core/next-wake.js';
import { unreadMessages } from './core/take-up.js';
import { SessionPlay } from './play/session-play.js';

const tools = new NamedTools([
  { name: 'look' },
  { name: 'book', effect: 'compensatable', compensation: 'unbook' },
  { name: 'unbook', effect: 'idempotent' },
  { name: 'pay', effect: 'irreversible' },
]);

type Turn = (context: ThinkContext) => Partial<Decision>;
/** A model's part: each think takes the next turn, and sees the history. */
class Scripted implements Brain {
  readonly name = 'openai';
  readonly thinksAfter = 'all';
  readonly seen: string[][] = [];
  constructor(private readonly turns: Turn[]) {}

  unavailable(): undefined {
    return undefined;
  }

  async think(context: ThinkContext): Promise<Decision> {
    this.seen.push((await context.history()).map((e) => (e.kind === 'message' ? e.content : e.kind)));
    const turn = this.turns.shift();
    if (turn === undefined) throw new Error('nobody expected another think');
    return { calls: [], message: `turn ${this.seen.length}`, ...turn(context) };
  }
}

const call = (...names: string[]): Turn => {
  const calls = names.map((tool) => ({ tool, parameters: {}, call: `call_${tool}` }));
  return () => ({ calls });
};
const asks = (content: string): Turn => {
  return () => ({ ask: { call: 'call_q', content } });
};
const says = (text: string): Turn => {
  return () => ({ finish: { kind: 'completed', result: { text } } });
};
const play = async (turns: Turn[], over: Partial<Submission> = {}) => {
  const brain = new Scripted(turns);
  const session = new SessionPlay({ submission: { input: 'Go', ...over }, brain, tools });
  await session.start();
  return { session, brain };
};
const told = (session: SessionPlay) =>
  session.timeline
    .slice(1)
    .map(({ type, payload }) => payload['status'] ?? payload['type'] ?? payload['role'] ?? type);
const messages = (session: SessionPlay) =>
  session.history.flatMap((e) => (e.kind === 'message' ? [e.content] : []));

describe('a message', () => {
  it('that comes while calls are pending is read after all their results, before the next think', async () => {
    const { session, brain } = await play([call('look', 'book'), says('done')]);
    await session.message('and quickly');
    expect(session.snapshot).toMatchObject({ status: 'waiting_tool', unread: ['sess-PLAY.message.3'] });
    expect(session.snapshot.inbox).toBeUndefined();
    await session.answer('call_look');
    expect(brain.seen).toHaveLength(1);
    await session.answer('call_book');
    expect(brain.seen[1]).toEqual(['Go', 'brain', 'and quickly', 'observation', 'observation']);
    expect(session.snapshot).toMatchObject({ status: 'completed' });
    expect(told(session)).not.toContain('unread');
  });

  it('that was accepted before the end was written is read before it: the session thinks again', async () => {
    const turns: Turn[] = [];
    const { session, brain } = await play([call('look'), ...turns]);
    const end: Turn = (context) => {
      if (brain.seen.length === 2) session.accept('wait!');
      return says('done')(context);
    };
    brain['turns'].push(end, end);
    await session.answer('call_look');
    expect(session.conflicts).toBe(1);
    expect(brain.seen).toEqual([
      ['Go'],
      ['Go', 'brain', 'observation'],
      ['Go', 'brain', 'observation', 'wait!'],
    ]);
    expect(session.snapshot).toMatchObject({ status: 'completed', step: 2 });
    expect(told(session).filter((t) => t === 'decision')).toHaveLength(2);
    // its own record comes after the end
    expect(await session.observe({ type: 'user_message', id: 'sess-PLAY.message.3' })).toBe('ignored');
  });

  it('is taken up once and in the order of acceptance, in whatever order the records come', async () => {
    const { session } = await play([call('look'), says('done')]);
    const [first, second, third] = ['one', 'two', 'three'].map((content) => session.accept(content));
    await session.observe({ type: 'user_message', id: second! });
    expect(messages(session)).toEqual(['Go', 'one', 'two', 'three']);
    for (const id of [first!, third!, second!])
      expect(await session.observe({ type: 'user_message', id })).toBe('ignored');
    expect(session.ignored).toEqual(['duplicate', 'duplicate', 'duplicate']);
    // the log learns with the step what may never come itself
    expect(session.snapshot.outbox.commit?.taken?.map(({ id }) => id)).toEqual([first, third]);
  });

  it('to a session that has not begun waits for what it was given first', async () => {
    const brain = new Scripted([says('done')]);
    const session = new SessionPlay({ submission: { input: 'Go' }, brain, tools });
    await session.message('and quickly');
    expect(session.ignored).toEqual(['not_begun']);
    await session.start();
    expect(brain.seen).toEqual([['Go', 'and quickly']]);
  });

  it('to a parked session is read when it goes on', async () => {
    const { session, brain } = await play([call('pay'), says('done')]);
    await session.answer('call_pay', { status: 'unknown' });
    await session.message('the bank says yes');
    expect(session.snapshot).toMatchObject({ status: 'parked', unread: [expect.anything()] });
    await session.resolve('call_pay');
    expect(brain.seen[1]).toEqual(['Go', 'brain', 'the bank says yes', 'resolution', 'observation']);
    expect(session.snapshot).toMatchObject({ status: 'completed' });
  });

  it.each(['is being undone', 'is ending'])(
    'to a session that %s is kept, and told as not read',
    async (what) => {
      const undone = what === 'is being undone';
      const brain = new Scripted([call('book', 'look')]);
      brain['turns'].push(() => ({
        finish: { kind: 'failed', error: { code: 'brain_refused', message: 'no', retryable: false } },
      }));
      const undoing = Object.assign(brain, {
        conclude: ({ snapshot }: ThinkContext) =>
          Promise.resolve(
            undone && snapshot.status !== 'compensating'
              ? {
                  calls: [
                    { tool: 'unbook', parameters: {}, call: 'undo:call_book', compensates: 'sess-PLAY.1.0' },
                  ],
                }
              : { calls: [] },
          ),
      });
      const session = new SessionPlay({
        submission: { input: 'Go', saga: undone },
        brain: undoing,
        tools,
        seal: () => ({ kind: 'started' }),
      });
      await session.start();
      if (undone) {
        await session.answer('call_book');
        await session.answer('call_look');
        expect(session.snapshot.status).toBe('compensating');
      } else await session.cancel();
      await session.message('stop');
      const early = session.snapshot.unread;
      const late = session.accept('at once');
      for (const { intent_id } of session.snapshot.pending) await session.answer(intent_id);
      expect(isTerminal(session.snapshot.status)).toBe(true);
      expect(messages(session)).toEqual(['Go', 'stop', 'at once']);
      expect(session.timeline.at(-2)?.payload).toEqual({ type: 'unread', messages: [...early!, late] });
      expect(session.snapshot.unread ?? session.snapshot.inbox).toBeUndefined();
    },
  );

  it('to a plan is kept, and changes nothing else', async () => {
    const written = async (writes: boolean) => {
      const session = new SessionPlay({
        submission: {
          plan: {
            steps: [
              { id: 'a', tool: 'look' },
              { id: 'b', tool: 'look' },
            ],
          },
        },
        brain: new PlanBrain(),
        tools,
      });
      await session.start();
      if (writes) await session.message('hello');
      await session.answer('step:a');
      if (writes) session.accept('and bye');
      await session.answer('step:b');
      return session;
    };
    const [without, withMessages] = [await written(false), await written(true)];
    expect(messages(withMessages)).toEqual(['hello', 'and bye']);
    expect(withMessages.timeline.filter(({ type }) => type === 'message')).toHaveLength(2);
    const other = (session: SessionPlay) => told(session).filter((t) => t !== 'user');
    expect(other(withMessages)).toEqual(other(without));
    expect(withMessages.snapshot).toMatchObject({ status: 'completed', result: without.snapshot.result });
    expect(withMessages.emitted).toEqual(without.emitted);
  });
});

describe('a question', () => {
  it('puts the session to sleep until a message answers the call', async () => {
    const { session, brain } = await play([asks('Which one?'), says('that one')]);
    expect(session.snapshot).toMatchObject({
      status: 'waiting_input',
      pending: [],
      question: { call: 'call_q', content: 'Which one?' },
    });
    expect(nextWake(session.snapshot, session.now)).toBeGreaterThan(session.now);
    await session.message('the red one');
    expect(session.history.at(-2)).toMatchObject({
      kind: 'message',
      content: 'the red one',
      answers: 'call_q',
    });
    expect(session.snapshot).toMatchObject({ status: 'completed' });
    expect(session.snapshot.question).toBeUndefined();
    expect(brain.seen).toHaveLength(2);
    expect(told(session)).toEqual([
      'user',
      'decision',
      'assistant',
      'waiting_input',
      'user',
      'decision',
      'completed',
    ]);
  });

  it('beside calls waits with them, whichever is answered first', async () => {
    const both: Turn = (context) => ({ ...call('look')(context), ...asks('Which?')(context) });
    const late = await play([both, says('done')]);
    expect(late.session.snapshot).toMatchObject({ status: 'waiting_tool', question: { call: 'call_q' } });
    await late.session.answer('call_look');
    expect(late.session.snapshot).toMatchObject({ status: 'waiting_input' });
    await late.session.message('this');
    expect(late.session.snapshot).toMatchObject({ status: 'completed' });

    const early = await play([both, says('done')]);
    await early.session.message('this');
    expect(early.session.snapshot).toMatchObject({ status: 'waiting_tool' });
    expect(early.session.snapshot.question).toBeUndefined();
    await early.session.answer('call_look');
    expect(early.session.snapshot).toMatchObject({ status: 'completed' });
  });

  it('is answered by the first of several messages; the others are messages', async () => {
    const { session } = await play([asks('Which?'), says('done')]);
    session.accept('this');
    await session.message('and thanks');
    expect(session.history.filter((e) => e.kind === 'message').map(({ answers }) => answers)).toEqual([
      undefined,
      'call_q',
      undefined,
    ]);
  });

  it('is asked until the deadline, and a cancel ends it', async () => {
    const submission = { deadline: new Date(1_060_000).toISOString() };
    const late = await play([asks('Which?')], submission);
    expect(nextWake(late.session.snapshot, late.session.now)).toBe(1_060_000);
    late.session.now = 1_060_000;
    await late.session.observe({ type: 'timer', id: 't', timer_id: 'deadline' });
    expect(late.session.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    expect(late.session.snapshot.question).toBeUndefined();

    const cancelled = await play([asks('Which?')]);
    await cancelled.session.cancel();
    expect(cancelled.session.snapshot).toMatchObject({ status: 'cancelled' });
    expect(cancelled.session.snapshot.question).toBeUndefined();
  });

  it('is not answered by what was written before it was asked', async () => {
    const { session, brain } = await play([call('look')]);
    const turn: Turn = (context) => {
      if (brain.seen.length === 2) session.accept('the red one');
      return asks('Which?')(context);
    };
    brain['turns'].push(turn, turn);
    await session.answer('call_look');
    // it was read before the question was asked again
    expect(brain.seen[2]).toContain('the red one');
    expect(session.snapshot).toMatchObject({ status: 'waiting_input' });
    expect(unreadMessages(session.snapshot)).toBe(0);
  });
});
