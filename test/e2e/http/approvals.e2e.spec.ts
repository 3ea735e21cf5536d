import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApprovalRequest, PendingView, Problem, SessionView, ToolList } from '#contracts';
import { eventually } from '#testing';
import { type Answer, type Booted, boot, closeGate, echo, gate, openGate } from './booted.js';
import { commandLine } from './command-line.js';

let app: Booted;
beforeAll(async () => {
  app = await boot();
});
afterAll(() => app.close());
afterEach(closeGate);

const sign = (id: string, amount: number, more: object = {}) => ({
  id,
  tool: 'sign',
  parameters: { amount },
  after: [],
  ...more,
});
const submit = async (...steps: object[]): Promise<string> =>
  (await app.submit({ plan: { steps: steps as never } })).session_id;
const held = async (id: string): Promise<PendingView[]> => {
  const { pending } = await app.reaches(id, 'waiting_approval');
  return pending;
};
const answer = <T = SessionView>(
  id: string,
  intent: string,
  body: Partial<ApprovalRequest>,
  headers: Record<string, string> = {},
): Promise<Answer<T>> =>
  app.call('POST', `/v1/sessions/${id}/approvals/${intent}`, { json: { by: 'ann', ...body }, headers });
const approve = { decision: 'approve' } as const;
const reject = { decision: 'reject' } as const;
const refusal = async (answered: Promise<Answer<Problem>>) => {
  const { status, body } = await answered;
  return [status, body.code];
};

describe('a call that a person has to approve', () => {
  it('is shown with what would be run, runs when it is approved, and the session goes on', async () => {
    const id = await submit(sign('a', 500), echo('b', { $ref: 'a', pointer: '/signed' }));
    const [call] = await held(id);
    expect(call).toEqual({
      intent_id: `${id}.1.0`,
      tool_name: 'sign',
      step: 1,
      since: expect.any(String),
      waits_for: 'approval',
      parameters: { amount: 500 },
      digest: expect.stringMatching(/^[\w-]{20,}$/),
    });
    const { status, body } = await answer(id, call!.intent_id, {
      ...approve,
      reason: 'within the budget',
      digest: call!.digest!,
    });
    expect([status, body.session_id]).toEqual([202, id]);
    expect(await app.ended(id)).toMatchObject({
      status: 'completed',
      result: { a: { signed: 500 }, b: { value: 500 } },
    });
    const { entries } = await app.timeline(id);
    expect(entries.map(({ payload }) => payload).slice(1, 5)).toMatchObject([
      { intent_id: call!.intent_id, held: true, digest: call!.digest },
      { status: 'waiting_approval' },
      { type: 'approval', decision: 'approve', by: 'ann', reason: 'within the budget', digest: call!.digest },
      { status: 'waiting_tool' },
    ]);
  });

  it('is one that its tool asks for by its parameters, or its step whatever the tool says', async () => {
    const id = await submit(
      sign('small', 5),
      sign('large', 500),
      echo('told', 1, { after: [], approval: true }),
    );
    const calls = await held(id);
    expect(calls.map(({ tool_name, parameters }) => [tool_name, parameters])).toEqual([
      ['sign', { amount: 500 }],
      ['echo', { value: 1 }],
    ]);
    const { tools } = (await app.call<ToolList>('GET', '/v1/tools')).body;
    expect(tools.find(({ name }) => name === 'sign')?.approval).toBe('by_parameters');
    expect(tools.find(({ name }) => name === 'echo')?.approval).toBe('never');
    await app.call('POST', `/v1/sessions/${id}/cancel`);
  });

  it('that is rejected fails its plan, which says who and why', async () => {
    const id = await submit(sign('a', 500));
    const [call] = await held(id);
    await answer(id, call!.intent_id, { ...reject, reason: 'too dear' });
    const { status, error } = await app.ended(id);
    expect([status, error]).toMatchObject([
      'failed',
      { code: 'step_failed', details: { error: { code: 'approval_rejected', details: { by: 'ann' } } } },
    ]);
    expect(error?.message).toContain('ann rejected the call of sign: too dear');
  });

  it('is answered once, in any order; a repeat with the same key and body as the first was', async () => {
    const id = await submit(sign('a', 500), sign('b', 600), sign('c', 700));
    const [a, b, c] = await held(id);
    const key = { 'idempotency-key': 'k1' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => answer(id, c!.intent_id, approve, key)),
    );
    expect(answers.map((each) => each.status)).toEqual(Array(10).fill(202));
    expect((await answer(id, a!.intent_id, approve)).status).toBe(202);
    const many = await Promise.all(
      Array.from({ length: 10 }, (_, i) => answer<Problem>(id, b!.intent_id, { ...approve, by: `p${i}` })),
    );
    expect(many.map((each) => each.status).sort()).toEqual([202, ...Array<number>(9).fill(409)]);
    expect(new Set(many.map(({ body }) => body.code))).toEqual(new Set([undefined, 'already_answered']));
    expect(await app.ended(id)).toMatchObject({ status: 'completed' });
    expect((await answer(id, c!.intent_id, approve, key)).status).toBe(202);
    const second = await answer<Problem>(id, c!.intent_id, reject, key);
    expect(second.body).toMatchObject({
      status: 409,
      code: 'already_answered',
      details: { by: 'ann', decision: 'approve' },
    });
    expect(await refusal(answer(id, c!.intent_id, approve))).toEqual([409, 'already_answered']);
  });

  it('is not answered by who saw another call', async () => {
    const id = await submit(sign('a', 500));
    const [call] = await held(id);
    const other = await answer<Problem>(id, call!.intent_id, { ...approve, digest: 'of something else' });
    expect(other.body).toMatchObject({
      status: 409,
      code: 'digest_mismatch',
      details: { digest: call!.digest },
    });
    expect((await held(id)).length).toBe(1);
    await app.call('POST', `/v1/sessions/${id}/cancel`);
  });

  it('that nobody waits for, or has ever heard of, is refused', async () => {
    const id = await submit(sign('a', 500));
    const [call] = await held(id);
    expect(await refusal(answer(id, `${id}.9.0`, approve))).toEqual([404, 'not_found']);
    expect(await refusal(answer(id, 'x', approve))).toEqual([404, 'not_found']);
    expect(await refusal(answer('sess-nobody', 'sess-nobody.1.0', approve))).toEqual([404, 'not_found']);
    expect(await refusal(answer(id, call!.intent_id, approve, { 'dormouse-tenant': 'another' }))).toEqual([
      404,
      'not_found',
    ]);
    const wrong = await answer<Problem>(id, `${id}.1.7`, approve);
    expect(wrong.body).toMatchObject({
      code: 'not_awaited',
      detail: expect.stringContaining(call!.intent_id),
    });
    await app.call('POST', `/v1/sessions/${id}/cancel`);
    await app.ended(id);
    expect(await refusal(answer(id, call!.intent_id, approve))).toEqual([409, 'session_ended']);
  });

  it('is refused while its session waits for what runs to end after a cancel', async () => {
    const id = await submit(
      sign('a', 500),
      { id: 'b', tool: 'take', parameters: {}, after: [] },
      {
        id: 'c',
        tool: 'at_gate',
        after: [],
      },
    );
    await eventually(() => gate.waiting.size > 0);
    await eventually(async () => {
      const { pending } = (await app.call<SessionView>('GET', `/v1/sessions/${id}`)).body;
      return pending.length === 2 && pending.some(({ waits_for }) => waits_for === 'approval');
    });
    await app.call('POST', `/v1/sessions/${id}/cancel`);
    const [status, code] = await refusal(answer(id, `${id}.1.0`, approve));
    expect(status).toBe(409);
    expect(['not_awaited', 'session_ended']).toContain(code);
    openGate();
    expect(await app.ended(id)).toMatchObject({ status: 'cancelled', pending: [] });
  });

  it.each<[string, object, string]>([
    ['no decision', { by: 'ann' }, '/decision'],
    ['another decision', { decision: 'maybe' }, '/decision'],
    ['an empty name', { ...approve, by: '' }, '/by'],
    ['an unknown field', { ...approve, note: 1 }, '/note'],
  ])('with %s is a 400 that names the field', async (_, body, field) => {
    const refused = await answer<Problem>('sess-x', 'sess-x.1.0', body);
    expect([refused.status, refused.body.fields?.map((f) => f.field)]).toEqual([400, [field]]);
  });

  it('ends with its session at the deadline, and never runs', async () => {
    const deadline = new Date(Date.now() + 1_500).toISOString();
    const { session_id: id } = await app.submit({ plan: { steps: [sign('a', 500)] }, deadline });
    expect(await app.ended(id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
  });
});

describe('on the command line', () => {
  const dormouse = (...args: string[]) => commandLine(app.url, args);

  it('a call that waits is shown, with how to answer it, and answered', async () => {
    const id = await submit(sign('a', 500), sign('b', 600));
    const [a, b] = await held(id);
    const { out } = await dormouse('get', id);
    expect(out).toMatch(/waits for approval/);
    expect(out).toMatch(new RegExp(`sign .*"amount":500.*${a!.intent_id}`));
    expect(out).toContain(`dormouse approve|reject ${id} ${a!.intent_id}`);
    const following = dormouse('get', id, '--follow');
    const yes = await dormouse('approve', id, a!.intent_id, '--by', 'ann', '--digest', a!.digest!);
    expect([yes.code, yes.out]).toEqual([0, expect.stringContaining('(answer accepted)')]);
    await dormouse('reject', id, b!.intent_id, '--by', 'bob', '--reason', 'too dear');
    const { code, out: told } = await following;
    expect(code).toBe(2);
    expect(told).toMatch(/⏸ a \(sign\) {2}\{"amount":500\} {2}\(waits for approval\)/);
    expect(told).toMatch(/☞ approval approve \S+ by ann/);
    expect(told).toMatch(/☞ approval reject \S+ by bob: too dear/);
    const again = await dormouse('approve', id, a!.intent_id);
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/^already_answered: /)]);
  });
});
