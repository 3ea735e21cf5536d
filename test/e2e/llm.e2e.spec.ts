import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { isTerminal, type SessionView, type Submission, type Timeline } from '#contracts';
import {
  eventually,
  type LlmRequest,
  type LlmServer,
  type LlmTurn,
  RuntimeProcess,
  startLlmServer,
} from '#testing';
import { METRICS } from '#telemetry';
import { scrape } from './http/prometheus.js';

/** How far a conversation has come: its tool messages. */
const answers = ({ body }: LlmRequest): (string | null | undefined)[] =>
  body.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);

describe('a session that a language model decides', () => {
  let folder: string;
  let journal: string;
  let llm: LlmServer;
  let runtime: RuntimeProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dormouse-llm-'));
    journal = join(folder, 'journal');
    llm = await startLlmServer({ apiKey: 'sk-test' });
    runtime = await RuntimeProcess.create({
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: llm.baseUrl,
      OPENAI_MODEL: 'scripted',
      DORMOUSE_TOOLS: './test/e2e/llm-tools.mjs',
      LLM_TOOLS_JOURNAL: journal,
    });
    await runtime.start();
  });
  afterAll(async () => {
    await runtime.remove();
    await llm.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Each test counts its own requests. */
  let seen: number;
  beforeEach(() => void (seen = llm.requests.length));
  afterEach(() => llm.otherwise({ do: 'fail', status: 400, error: { message: 'nobody is asked now' } }));
  const asked = (): LlmRequest[] => llm.requests.slice(seen);

  const submit = async (body: Submission): Promise<string> => {
    const response = await fetch(`${runtime.url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(202);
    return ((await response.json()) as SessionView).session_id;
  };
  const get = async <T>(path: string): Promise<T> => (await (await fetch(runtime.url + path)).json()) as T;
  const ended = (id: string): Promise<SessionView> =>
    eventually(
      async () => {
        const session = await get<SessionView>(`/v1/sessions/${id}`);
        return isTerminal(session.status) ? session : undefined;
      },
      { timeoutMs: 40_000, what: `session ${id} ends` },
    );

  it('makes parallel calls, reads what became of them, and completes', async () => {
    llm.script(
      {
        do: 'call',
        text: 'Let me see.',
        calls: [
          { tool: 'add', arguments: { a: 1, b: 2 }, id: 'call_sum' },
          { tool: 'divide', arguments: { a: 1, b: 0 }, id: 'call_zero' },
          { tool: 'multiply', arguments: { a: 1, b: 2 }, id: 'call_none' },
          { tool: 'add', arguments: '{"a": 1, "b"', id: 'call_broken' },
        ],
        usage: { prompt_tokens: 30, completion_tokens: 20 },
      },
      { do: 'say', text: 'It is 3.', usage: { prompt_tokens: 90, completion_tokens: 4 } },
    );
    const id = await submit({ input: 'What is 1 + 2?', instructions: 'Be brief.', tools: ['add', 'divide'] });
    const session = await ended(id);

    expect(session).toMatchObject({
      status: 'completed',
      brain: 'openai',
      result: { text: 'It is 3.' },
      error: null,
      usage: { steps: 2, tool_calls: 2, input_tokens: 120, output_tokens: 24 },
    });
    const [first, second] = asked();
    expect(first?.body.tools?.map((tool) => tool.function.name).sort()).toEqual(['add', 'divide']);
    expect(first?.body.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'What is 1 + 2?' },
    ]);
    expect(second?.body.messages.slice(2).map((m) => m.tool_call_id ?? m.role)).toEqual([
      'assistant',
      'call_sum',
      'call_zero',
      'call_none',
      'call_broken',
    ]);
    expect(answers(second!)).toEqual([
      '{"sum":3}',
      expect.stringContaining('division by zero'),
      expect.stringContaining('unknown_tool'),
      expect.stringContaining('invalid_parameters'),
    ]);
    const { entries } = await get<Timeline>(`/v1/sessions/${id}/timeline`);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    expect(entries.at(-1)?.payload).toMatchObject({ status: 'completed' });
  });

  it('tells of a request that failed in the log and in the metrics, without the key', async () => {
    const failed = async (): Promise<number> => (await scrape(runtime.url)).of(METRICS.step.failedRequests);
    const before = await failed();
    llm.script(
      { do: 'fail', status: 503, headers: { 'retry-after': '0' }, error: { message: 'no room for sk-test' } },
      { do: 'say', text: 'Here I am.' },
    );
    const id = await submit({ input: 'Are you there?' });
    expect(await ended(id)).toMatchObject({ status: 'completed' });
    expect((await failed()) - before).toBe(1);
    await eventually(() => runtime.log().includes(`scripted, request 1 for ${id} failed`));
    expect(runtime.log()).not.toContain('sk-test');
  });

  it.each<[string, LlmTurn]>([
    ['calls for ever', { do: 'call', calls: [{ tool: 'add', arguments: { a: 1, b: 1 } }] }],
    ['calls for ever what there is not', { do: 'call', calls: [{ tool: 'nothing', arguments: {} }] }],
  ])('ends at its step limit when the model %s', async (_, turn) => {
    llm.otherwise(turn);
    const session = await ended(await submit({ input: 'Go', limits: { steps: 4 } }));
    expect(session).toMatchObject({ status: 'failed', error: { code: 'step_limit' }, usage: { steps: 4 } });
    expect(asked()).toHaveLength(4);
  });

  it('has a step limit even if the submission sets none', async () => {
    llm.otherwise({ do: 'call', calls: [{ tool: 'add', arguments: { a: 1, b: 1 } }] });
    const session = await ended(await submit({ input: 'Go' }));
    expect(session).toMatchObject({ status: 'failed', error: { code: 'step_limit' } });
    expect(asked()).toHaveLength(50);
  });

  it('waits for a busy server, and fails with the words of one that refuses', async () => {
    llm.script(
      { do: 'fail', status: 429, headers: { 'retry-after-ms': '20' } },
      { do: 'fail', status: 401, error: { message: 'this key is no good' } },
    );
    const session = await ended(await submit({ input: 'Go' }));
    expect(session).toMatchObject({ status: 'failed', error: { code: 'brain_failed' } });
    expect(session.error?.message).toContain('this key is no good');
    expect(asked()).toHaveLength(2);
  });

  it('outlasts a server that is down for longer than one think asks', async () => {
    llm.script(...Array.from({ length: 6 }, (): LlmTurn => ({ do: 'cut', at: 'once' })), {
      do: 'say',
      text: 'Here I am.',
    });
    const session = await ended(await submit({ input: 'Go' }));
    expect(session).toMatchObject({ status: 'completed', result: { text: 'Here I am.' } });
    expect(asked()).toHaveLength(7);
  });

  it('goes on after kill -9 in the middle of a think, and runs no tool twice', async () => {
    const never = new Promise<never>(() => undefined);
    llm.otherwise((request) => {
      if (answers(request).length === 0)
        return { do: 'call', calls: [{ tool: 'add', arguments: { a: 2, b: 2 } }] };
      const thinks = asked().filter((other) => answers(other).length > 0).length;
      return thinks === 1
        ? { do: 'wait', until: never, then: { do: 'say', text: '' } }
        : { do: 'say', text: 'Four.' };
    });
    const id = await submit({ input: 'What is 2 + 2?' });
    await eventually(() => asked().some((request) => answers(request).length > 0), { timeoutMs: 20_000 });
    await runtime.end('SIGKILL');
    await runtime.start();
    expect(await ended(id)).toMatchObject({
      status: 'completed',
      result: { text: 'Four.' },
      usage: { steps: 2 },
    });
    expect(answers(asked().at(-1)!)).toEqual(['{"sum":4}']);
    const runs = readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${id}.`));
    expect(runs).toEqual([`${id}.1.0`]);
  });

  it('drops the request when the session is cancelled meanwhile', async () => {
    const never = new Promise<never>(() => undefined);
    llm.otherwise({ do: 'wait', until: never, then: { do: 'say', text: '' } });
    const id = await submit({ input: 'Go' });
    await eventually(() => asked().length > 0, { timeoutMs: 20_000 });
    const response = await fetch(`${runtime.url}/v1/sessions/${id}/cancel`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(202);
    expect(await ended(id)).toMatchObject({ status: 'cancelled' });
    expect(asked()).toHaveLength(1);
  });
});
