import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MOST_UNREAD_MESSAGES, type Problem, type SessionView, type Submission } from '#contracts';
import { eventually, type LlmServer, type LlmTurn, startLlmServer } from '#testing';
import { type Answer, type Booted, boot, closeGate, gated, openGate } from './booted.js';
import { commandLine } from './command-line.js';

/** What people write to sessions, on whatever engine. */
export const messageSuite = (
  environment: () => Promise<Record<string, string>>,
  patienceMs?: number,
): void => {
  let llm: LlmServer;
  let app: Booted;
  beforeAll(async () => {
    llm = await startLlmServer();
    app = await boot({
      ...(await environment()),
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: llm.baseUrl,
      OPENAI_MODEL: 'scripted',
    });
  }, patienceMs);
  afterAll(async () => {
    await app.close();
    await llm.close();
  });
  let seen: number;
  beforeEach(() => void (seen = llm.requests.length));
  afterEach(closeGate);
  /** What the model has read with each request, from the first user's words on. */
  const asked = (): string[][] =>
    llm.requests.slice(seen).map(({ body }) => body.messages.map((m) => `${m.role}: ${m.content ?? ''}`));

  const write = <T = SessionView>(
    id: string,
    content: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> => app.call('POST', `/v1/sessions/${id}/messages`, { json: { content }, headers });
  const refusal = async (answer: Promise<Answer<Problem>>) => {
    const { status, body } = await answer;
    return [status, body.code];
  };
  const submit = async (more: Partial<Submission> = {}): Promise<string> =>
    (await app.submit({ input: 'Go', ...more })).session_id;
  const words = async (id: string) => {
    const { entries } = await app.timeline(id);
    return entries.flatMap(({ type, payload }) =>
      type === 'message' ? [(payload as { content: string }).content] : [],
    );
  };
  const AT_GATE: LlmTurn = { do: 'call', calls: [{ tool: 'at_gate', arguments: {}, id: 'call_gate' }] };
  const SAYS: LlmTurn = { do: 'say', text: 'done' };

  describe('a message', () => {
    it('that comes while a tool runs is read after its result', async () => {
      llm.script(AT_GATE, SAYS);
      const id = await submit();
      await app.reaches(id, 'waiting_tool');
      const { status, body } = await write(id, 'and quickly');
      expect([status, body.session_id]).toEqual([202, id]);
      await eventually(async () => (await words(id)).includes('and quickly'));
      expect((await app.reaches(id, 'waiting_tool')).unread_messages).toBe(1);
      openGate();
      const session = await app.ended(id);
      expect(session).toMatchObject({ status: 'completed', result: { text: 'done' } });
      expect(session.unread_messages).toBeUndefined();
      expect(asked()[1]).toEqual([
        'user: Go',
        'assistant: ',
        expect.stringMatching(/^tool: /),
        'user: and quickly',
      ]);
      expect(await words(id)).toEqual(['Go', 'and quickly']);
    });

    it('that comes while the model gives its last answer is read before the session ends', async () => {
      let answer = (): void => undefined;
      const until = new Promise<void>((resolve) => (answer = resolve));
      llm.script({ do: 'wait', until, then: { do: 'say', text: 'too early' } }, SAYS);
      const id = await submit();
      await app.reaches(id, 'thinking');
      expect((await write(id, 'wait!')).status).toBe(202);
      answer();
      expect(await app.ended(id)).toMatchObject({ status: 'completed', result: { text: 'done' }, step: 1 });
      expect(asked()).toEqual([['user: Go'], ['user: Go', 'user: wait!']]);
    });

    it('is one with its key; the same key with another body is refused, also after the end', async () => {
      llm.script(AT_GATE, SAYS);
      const id = await submit();
      await app.reaches(id, 'waiting_tool');
      const key = { 'idempotency-key': 'k 1' };
      const answers = await Promise.all(Array.from({ length: 10 }, () => write(id, 'once', key)));
      expect(answers.map((a) => a.status)).toEqual(Array(10).fill(202));
      expect(await refusal(write(id, 'other', key))).toEqual([409, 'idempotency_conflict']);
      await write(id, 'twice');
      await write(id, 'twice');
      openGate();
      await app.ended(id);
      expect(await words(id)).toEqual(['Go', 'once', 'twice', 'twice']);
      expect((await write(id, 'once', key)).status).toBe(202);
      expect(await refusal(write(id, 'other', key))).toEqual([409, 'idempotency_conflict']);
      expect(await refusal(write(id, 'late'))).toEqual([409, 'session_ended']);
    });

    it('is for a session that is there, of this tenant, with words in it', async () => {
      llm.script(AT_GATE, SAYS);
      const id = await submit();
      expect(await refusal(write('sess-nobody', 'hello'))).toEqual([404, 'not_found']);
      expect(await refusal(write(id, 'hello', { 'dormouse-tenant': 'other' }))).toEqual([404, 'not_found']);
      expect(await refusal(write(id, ''))).toEqual([400, 'invalid_request']);
      expect(await refusal(write(id, 7))).toEqual([400, 'invalid_request']);
      expect(await refusal(write(id, 'x'.repeat(1024 * 1024)))).toEqual([413, 'body_too_large']);
      openGate();
      await app.ended(id);
    });

    it('is refused by a session that was submitted so, which says what to do', async () => {
      llm.script(AT_GATE, SAYS);
      const id = await submit({ messages: 'reject' });
      await app.reaches(id, 'waiting_tool');
      const { status, body } = await write<Problem>(id, 'hello');
      expect([status, body.code]).toEqual([409, 'messages_rejected']);
      expect(body.detail).toContain('messages: "enqueue"');
      openGate();
      await app.ended(id);
      expect(await words(id)).toEqual(['Go']);
    });

    it('is refused while too many are unread', async () => {
      llm.script(AT_GATE, SAYS);
      const id = await submit();
      await app.reaches(id, 'waiting_tool');
      for (let i = 0; i < MOST_UNREAD_MESSAGES; i++) expect((await write(id, `n ${i}`)).status).toBe(202);
      const full = await write<Problem>(id, 'one more');
      expect([full.status, full.body.code, full.headers.get('retry-after')]).toEqual([
        429,
        'too_many_messages',
        '1',
      ]);
      openGate();
      await app.ended(id);
      expect((await words(id)).slice(1)).toEqual(
        Array.from({ length: MOST_UNREAD_MESSAGES }, (_, i) => `n ${i}`),
      );
    });

    it('to a plan is in its timeline, and the plan goes on as it would have', async () => {
      const { session_id: id } = await app.submit(gated());
      await eventually(
        async () => (await app.reaches(id, 'waiting_tool')).pending[0]?.tool_name === 'at_gate',
      );
      expect((await write(id, 'hello')).status).toBe(202);
      openGate();
      expect(await app.ended(id)).toMatchObject({ status: 'completed', result: { last: { value: 1 } } });
      expect(await words(id)).toEqual(['hello']);
    });

    it('that nobody has read when the session ends is told', async () => {
      llm.script(AT_GATE);
      const id = await submit();
      await app.reaches(id, 'waiting_tool');
      await write(id, 'stop it');
      await app.call('POST', `/v1/sessions/${id}/cancel`);
      openGate();
      expect((await app.ended(id)).status).toBe('cancelled');
      const { entries } = await app.timeline(id);
      expect(entries.at(-2)).toMatchObject({
        type: 'observation',
        payload: { type: 'unread', messages: [expect.stringContaining('.message.')] },
      });
      expect(await words(id)).toEqual(['Go', 'stop it']);
    });
  });

  describe('a question', () => {
    const ASKS = (question: string, id: string): LlmTurn => ({
      do: 'call',
      calls: [{ tool: 'ask_user', arguments: { question }, id }],
    });
    const offered = () => llm.requests.at(-1)?.body.tools?.map((tool) => tool.function.name) ?? [];

    it('puts its session to sleep, and the next message answers it', async () => {
      llm.script(ASKS('Which one?', 'call_q'), SAYS);
      const id = await submit({ ask_user: true, metadata: { of: 'question' } });
      const session = await app.reaches(id, 'waiting_input');
      expect(session).toMatchObject({ pending: [], question: { content: 'Which one?' } });
      expect(offered()).toContain('ask_user');
      const list = await app.call<{ sessions: SessionView[] }>(
        'GET',
        '/v1/sessions?status=waiting_input&metadata.of=question',
      );
      expect(list.body.sessions.map((s) => s.session_id)).toEqual([id]);
      await write(id, 'the red one');
      const ended = await app.ended(id);
      expect(ended.status).toBe('completed');
      expect(ended.question).toBeUndefined();
      expect(asked()[1]).toEqual(['user: Go', 'assistant: ', 'tool: the red one']);
      const { entries } = await app.timeline(id);
      expect(entries.filter(({ type }) => type === 'message').map(({ payload }) => payload)).toEqual([
        { role: 'user', content: 'Go' },
        { role: 'assistant', call: 'call_q', content: 'Which one?' },
        { role: 'user', answers: 'call_q', content: 'the red one' },
      ]);
    });

    it('is offered to nobody else: a model that asks all the same is told so', async () => {
      llm.script(ASKS('Which one?', 'call_q'), SAYS);
      const id = await submit();
      expect((await app.ended(id)).status).toBe('completed');
      expect(offered()).not.toContain('ask_user');
      expect(asked()[1]?.[2]).toContain('unknown_tool');
    });

    it.each<[string, object]>([
      ['with messages refused', { input: 'Go', messages: 'reject' }],
      ['with a plan', { plan: { steps: [{ id: 'a', tool: 'echo', parameters: { value: 1 } }] } }],
    ])('%s is a 400, also in a batch', async (_what, body) => {
      const json = { ...body, ask_user: true };
      const { status, body: problem } = await app.call<Problem>('POST', '/v1/sessions', { json });
      expect([status, problem.fields?.map(({ field }) => field)]).toEqual([400, ['/ask_user']]);
      const batch = await app.call<string>('POST', '/v1/sessions/batch', {
        body: `${JSON.stringify(json)}\n`,
        headers: { 'content-type': 'application/x-ndjson' },
      });
      expect(JSON.parse(batch.body)).toMatchObject({ code: 'invalid_request', status: 400 });
    });

    it('that is unknown as a policy is a 400', async () => {
      const { status } = await app.call('POST', '/v1/sessions', { json: { input: 'Go', messages: 'maybe' } });
      expect(status).toBe(400);
    });

    it('is answered on the command line', async () => {
      llm.script(ASKS('Which one?', 'call_1'), ASKS('Which size?', 'call_2'), SAYS);
      const dormouse = (...args: string[]) => commandLine(app.url, args);
      const first = await dormouse(
        'submit',
        '--input',
        'Go',
        '--ask-user',
        '--messages',
        'enqueue',
        '--follow',
      );
      expect(first.code).toBe(3);
      expect(first.out).toMatch(/\? Which one\?\n.*● waiting_input/);
      const id = /sess-\w+/.exec(first.out)?.[0] ?? '';
      expect((await dormouse('get', id)).out).toContain(`asks: Which one?\nanswer: dormouse message ${id}`);
      const second = await dormouse('message', id, 'the red one', '--follow');
      expect(second.code).toBe(3);
      expect(second.out).toMatch(/» the red one\n[^]*asks: Which size\?/);
      expect((await dormouse('message', id, 'a large one')).out).toMatch(/message accepted/);
      await app.ended(id);
      expect((await dormouse('message', id, 'thanks')).err).toContain('session_ended');
    });
  });
};
