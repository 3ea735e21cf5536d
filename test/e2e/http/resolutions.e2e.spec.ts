import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, ResolutionRequest, SessionView, StuckView, Submission } from '#contracts';
import { eventually } from '#testing';
import { type Answer, type Booted, boot, echo } from './booted.js';

let app: Booted;
beforeAll(async () => {
  app = await boot();
});
afterAll(() => app.close());

const lost = (more: object = {}) => ({ id: 'lost', tool: 'lose_track', parameters: {}, ...more });
const parked = async (submission: Submission): Promise<{ id: string; stuck: StuckView }> => {
  const { session_id: id } = await app.submit(submission);
  const session = await app.reaches(id, 'parked');
  return { id, stuck: session.stuck![0]! };
};
const unclear = (): Promise<{ id: string; stuck: StuckView }> =>
  parked({ plan: { steps: [lost(), echo('after', { $ref: 'lost', pointer: '/receipt' })] } });
const ann = { by: 'ann', reason: 'asked the bank' };
const resolve = <T = SessionView>(
  id: string,
  intent: string,
  body: Partial<ResolutionRequest>,
  headers: Record<string, string> = {},
): Promise<Answer<T>> =>
  app.call('POST', `/v1/sessions/${id}/resolutions/${intent}`, { json: { ...ann, ...body }, headers });
const refusal = async (answer: Promise<Answer<Problem>>) => {
  const { status, body } = await answer;
  return [status, body.code];
};

describe('an unknown outcome', () => {
  it('is shown, is settled by a person, and the session goes on from there', async () => {
    const { id, stuck } = await unclear();
    expect(stuck).toEqual({
      intent_id: `${id}.1.0`,
      tool_name: 'lose_track',
      parameters: {},
      step: 1,
      status: 'unknown',
      error: { code: 'outcome_unknown', message: 'the line went dead', retryable: false },
    });
    const { status, body } = await resolve(id, stuck.intent_id, {
      outcome: 'succeeded',
      result: { receipt: 'R1' },
    });
    expect([status, body.session_id]).toEqual([202, id]);
    const session = await app.ended(id);
    expect(session).toMatchObject({
      status: 'completed',
      result: { lost: { receipt: 'R1' }, after: { value: 'R1' } },
      error: null,
    });
    expect(session.stuck).toBeUndefined();
    const { entries } = await app.timeline(id);
    const at = entries.findIndex((e) => (e.payload as { type?: string }).type === 'resolution');
    expect(entries.slice(at - 1, at + 3)).toMatchObject([
      { type: 'status', payload: { status: 'parked' } },
      { type: 'observation', payload: { intent_id: stuck.intent_id, outcome: 'succeeded', ...ann } },
      {
        type: 'observation',
        payload: { intent_id: stuck.intent_id, status: 'succeeded', result: { receipt: 'R1' } },
      },
      { type: 'status', payload: { status: 'waiting_tool' } },
    ]);
  });

  it('that was not done fails the session', async () => {
    const { id, stuck } = await unclear();
    await resolve(id, stuck.intent_id, { outcome: 'failed' });
    const { status, error } = await app.ended(id);
    expect([status, error?.message]).toEqual(['failed', expect.stringContaining('asked the bank')]);
  });

  it('is run again under a new id, with the parameters that the person gives', async () => {
    const { id, stuck } = await unclear();
    await resolve(id, stuck.intent_id, { outcome: 'retry', parameters: { sure: true, value: 3 } });
    expect(await app.ended(id)).toMatchObject({ status: 'completed', result: { after: { value: 3 } } });
    const { entries } = await app.timeline(id);
    const intents = entries.filter((e) => e.type === 'intent').map((e) => e.payload);
    expect(intents).toMatchObject([
      { intent_id: `${id}.1.0`, parameters: {} },
      { intent_id: `${id}.2.0`, parameters: { sure: true, value: 3 } },
      { tool_name: 'echo' },
    ]);
  });

  it('is settled once; a repeat with the same key and body is answered as the first was', async () => {
    const { id, stuck } = await unclear();
    const key = { 'idempotency-key': 'k1' };
    const done = { outcome: 'succeeded', result: { receipt: 1 } } as const;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => resolve(id, stuck.intent_id, done, key)),
    );
    expect(answers.map((a) => a.status)).toEqual(Array(10).fill(202));
    expect(await app.ended(id)).toMatchObject({ status: 'completed' });
    expect((await resolve(id, stuck.intent_id, done, key)).status).toBe(202);
    const another = await resolve<Problem>(id, stuck.intent_id, { outcome: 'failed' }, key);
    expect(another.body).toMatchObject({
      status: 409,
      code: 'already_answered',
      detail: expect.stringContaining('ann'),
      details: { by: 'ann', outcome: 'succeeded' },
    });
    expect((await resolve(id, stuck.intent_id, done)).status).toBe(409);
    const { entries } = await app.timeline(id);
    expect(entries.filter((e) => (e.payload as { type?: string }).type === 'resolution')).toHaveLength(1);
  });

  it('answered by many at once is settled by one of them', async () => {
    const { id, stuck } = await unclear();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        resolve(id, stuck.intent_id, { outcome: 'succeeded', result: { receipt: i }, by: `p${i}` }),
      ),
    );
    expect(answers.map((a) => a.status).sort()).toEqual([202, ...Array<number>(9).fill(409)]);
    const winner = answers.findIndex((a) => a.status === 202);
    expect(await app.ended(id)).toMatchObject({ result: { after: { value: winner } } });
  });

  it('of a session that has ended is refused', async () => {
    const { session_id: id } = await app.submit({ plan: { steps: [echo('a')] } });
    await app.ended(id);
    expect(await refusal(resolve(id, `${id}.1.0`, { outcome: 'failed' }))).toEqual([409, 'session_ended']);
  });

  it('of an intent that does not wait for it is refused, and the answer says what does', async () => {
    const { id, stuck } = await unclear();
    const nobody = { outcome: 'failed' } as const;
    expect(await refusal(resolve(id, `${id}.9.0`, nobody))).toEqual([404, 'not_found']);
    expect(await refusal(resolve(id, 'x', nobody))).toEqual([404, 'not_found']);
    expect(await refusal(resolve('sess-nobody', 'sess-nobody.1.0', nobody))).toEqual([404, 'not_found']);
    expect(await refusal(resolve(id, stuck.intent_id, nobody, { 'dormouse-tenant': 'another' }))).toEqual([
      404,
      'not_found',
    ]);
    const wrong = await resolve<Problem>(id, `${id}.1.7`, nobody);
    expect(wrong.body).toMatchObject({
      code: 'not_awaited',
      detail: expect.stringContaining(stuck.intent_id),
    });
    const { session_id: other } = await app.submit({
      plan: { steps: [{ id: 'w', tool: 'wait', parameters: { ms: 3_600_000 } }] },
    });
    await app.reaches(other, 'waiting_tool');
    const early = await resolve<Problem>(other, `${other}.1.0`, nobody);
    expect(early.body).toMatchObject({ code: 'not_awaited', detail: expect.stringContaining('under way') });
    await app.call('POST', `/v1/sessions/${other}/cancel`);
  });

  it.each<[string, object, string]>([
    ['no reason', { reason: undefined, outcome: 'failed' }, '/reason'],
    ['an empty name', { by: '', outcome: 'failed' }, '/by'],
    ['another outcome', { outcome: 'unknown' }, '/outcome'],
    ['a result of a failure', { outcome: 'failed', result: 1 }, '/result'],
    ['parameters without a retry', { outcome: 'failed', parameters: {} }, '/parameters'],
    ["parameters that the tool doesn't take", { outcome: 'retry', parameters: { who: 1 } }, '/parameters'],
    ['an unknown field', { outcome: 'failed', note: 1 }, '/note'],
  ])('with %s is a 400 that names the field', async (_, body, field) => {
    const { id, stuck } = await unclear();
    const answer = await resolve<Problem>(id, stuck.intent_id, body);
    expect([answer.status, answer.body.fields?.map((f) => f.field)]).toEqual([400, [field]]);
  });
});

it('a saga that puts what can be undone after what can not is told so in the answer', async () => {
  const steps = [lost({ parameters: { sure: true } }), { id: 'taken', tool: 'take', parameters: {} }];
  const { warnings } = await app.submit({ saga: true, plan: { steps } });
  expect(warnings).toEqual([expect.stringMatching(/"taken".*"lost".*last/)]);
  expect((await app.submit({ plan: { steps } })).warnings).toBeUndefined();
});

describe('a saga whose undoing is stuck', () => {
  const stubborn = (): Promise<{ id: string; stuck: StuckView }> =>
    parked({
      saga: true,
      plan: {
        steps: [
          { id: 'first', tool: 'take', parameters: { what: 1 } },
          {
            id: 'second',
            tool: 'take',
            parameters: { what: 2 },
            compensation: { tool: 'give_back', parameters: { stubborn: true } },
          },
          { id: 'bill', tool: 'fail', parameters: {} },
        ],
      },
    });

  it('shows what is stuck, and goes on undoing when it is run again with other parameters', async () => {
    const { id, stuck } = await stubborn();
    expect(stuck).toMatchObject({
      tool_name: 'give_back',
      parameters: { stubborn: true },
      status: 'failed',
      error: { message: 'nobody answers the door' },
      compensates: `${id}.2.0`,
    });
    await resolve(id, stuck.intent_id, { outcome: 'retry', parameters: { what: 2 } });
    expect(await app.ended(id)).toMatchObject({ status: 'compensated', error: { code: 'step_failed' } });
    const { entries } = await app.timeline(id);
    const undoing = entries.flatMap((e) => {
      const { compensates, parameters } = e.payload as { compensates?: string; parameters?: object };
      return e.type === 'intent' && compensates !== undefined ? [[compensates, parameters]] : [];
    });
    expect(undoing).toEqual([
      [`${id}.2.0`, { stubborn: true }],
      [`${id}.2.0`, { what: 2 }],
      [`${id}.1.0`, { what: 1 }],
    ]);
  });

  it('run again as it was parks again, under a new id', async () => {
    const { id, stuck } = await stubborn();
    await resolve(id, stuck.intent_id, { outcome: 'retry' });
    await eventually(async () => {
      const { stuck: now } = (await app.call<SessionView>('GET', `/v1/sessions/${id}`)).body;
      return now?.length === 1 && now[0]?.intent_id !== stuck.intent_id;
    });
  });

  it('marked as done goes on with the rest', async () => {
    const { id, stuck } = await stubborn();
    await resolve(id, stuck.intent_id, { outcome: 'succeeded' });
    expect(await app.ended(id)).toMatchObject({ status: 'compensated' });
  });

  it('given up is told in the end', async () => {
    const { id, stuck } = await stubborn();
    await resolve(id, stuck.intent_id, { outcome: 'failed' });
    expect(await app.ended(id)).toMatchObject({
      status: 'compensated',
      error: { details: { not_undone: ['second'] } },
    });
  });
});
