import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Ambient,
  type Decision,
  OpenAiBrain,
  type OpenAiOptions,
  type ThinkContext,
  type Trouble,
} from '#commander';
import {
  DEFAULT_RETRY,
  DormouseError,
  type EffectClass,
  type HistoryEntry,
  type Snapshot,
  type Submission,
  ToolCatalogue,
  type ToolSpec,
} from '#contracts';
import { type LlmServer, startLlmServer } from '#testing';

/** One tool whose parameter `query` must be a string. */
class Catalogue extends ToolCatalogue {
  readonly #specs: ToolSpec[] = ['sql_query', 'send_bill'].map((name) => ({
    name,
    description: `does ${name}`,
    parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    effect: 'pure',
    timeoutMs: 1000,
    retry: DEFAULT_RETRY,
    servedBy: 'dispatcher',
  }));
  list(): readonly ToolSpec[] {
    return this.#specs;
  }
  get(name: string): ToolSpec | undefined {
    return this.#specs.find((tool) => tool.name === name);
  }
  effectOf(): EffectClass {
    return 'pure';
  }
  needsApproval(): boolean {
    return false;
  }
  violations(_name: string, parameters: unknown): string[] | undefined {
    return typeof (parameters as { query?: unknown }).query === 'string'
      ? undefined
      : ['query: must be a string'];
  }
}

/** A session as the Commander keeps one, as far as a brain sees it. */
class Session {
  readonly history: HistoryEntry[] = [];
  readonly abort = new AbortController();
  step = 0;

  constructor(readonly submission: Submission) {
    this.history.push({ v: 1, key: 'input', n: 1, kind: 'message', content: submission.input ?? '' });
  }

  context(): ThinkContext {
    const snapshot = {
      session_id: 'sess-1',
      step: this.step,
      fixed: { submission: this.submission },
    } as unknown as Snapshot;
    return {
      snapshot,
      observed: [],
      history: async () => this.history,
      tools: new Catalogue(),
      resumed: false,
      signal: this.abort.signal,
      now: 0,
    };
  }

  /** Keeps what a step leaves behind; every call made gets `results` in turn. */
  apply(decision: Decision, ...results: unknown[]): void {
    this.step += 1;
    const add = (entry: object) =>
      this.history.push({ v: 1, n: this.history.length + 1, ...entry } as HistoryEntry);
    add({ key: `brain:${this.step}`, kind: 'brain', content: decision.message });
    for (const { tool, call, outcome } of decision.answered ?? []) {
      add({ key: `answered:${call}`, kind: 'observation', intent_id: `x.${call}`, tool, call, outcome });
    }
    for (const [i, { tool, call }] of decision.calls.entries()) {
      const outcome = {
        status: 'succeeded',
        result: results[i] ?? null,
        error: null,
        attempts: 1,
        started_at: '',
        duration_ms: 0,
      };
      add({
        key: `result:${i}`,
        kind: 'observation',
        intent_id: `sess-1.${this.step}.${i}`,
        tool,
        call,
        outcome,
      });
    }
  }
}

describe('the openai brain against a server', () => {
  let server: LlmServer;
  let waits: number[];
  let troubles: Trouble[];
  /** Time passes by waiting alone. */
  let clock: number;
  const ambient: Ambient = {
    sleep: async (ms) => {
      waits.push(ms);
      clock += ms;
    },
    random: () => 0,
    clock: () => clock,
  };
  const brain = (options: OpenAiOptions = {}) =>
    new OpenAiBrain(
      { baseUrl: server.baseUrl, model: 'm-1', onTrouble: (trouble) => troubles.push(trouble), ...options },
      ambient,
    );
  const failure = async (thinking: Promise<unknown>): Promise<DormouseError> => {
    const error = await thinking.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!DormouseError.is(error)) throw new Error(`expected a DormouseError, got ${String(error)}`);
    return error;
  };
  const hello = () => new Session({ input: 'Hello' });

  beforeEach(async () => {
    server = await startLlmServer();
    waits = [];
    troubles = [];
    clock = 0;
  });
  afterEach(() => server.close());

  it('goes through parallel calls to an answer, with the whole conversation in each request', async () => {
    const session = new Session({
      input: 'How many?',
      instructions: 'Be brief.',
      tools: ['sql_query'],
      model: 'm-2',
    });
    const llm = brain();
    server.script(
      {
        do: 'call',
        text: 'Let me see.',
        calls: [
          { tool: 'sql_query', arguments: { query: 'a' }, id: 'call_a' },
          { tool: 'sql_query', arguments: { query: 'b' }, id: 'call_b' },
        ],
        usage: { prompt_tokens: 20, completion_tokens: 7 },
      },
      { do: 'say', text: 'Two.' },
    );

    const first = await llm.think(session.context());
    expect(first.calls).toEqual([
      { tool: 'sql_query', parameters: { query: 'a' }, call: 'call_a' },
      { tool: 'sql_query', parameters: { query: 'b' }, call: 'call_b' },
    ]);
    expect(first.usage).toEqual({ input_tokens: 20, output_tokens: 7 });
    expect(first.finish).toBeUndefined();
    session.apply(first, { n: 1 }, 'one');
    const second = await llm.think(session.context());
    expect(second.finish).toEqual({ kind: 'completed', result: { text: 'Two.' } });

    expect(server.requests[0]?.body).toEqual({
      model: 'm-2',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How many?' },
      ],
      tools: [
        {
          type: 'function',
          function: {
            name: 'sql_query',
            description: 'does sql_query',
            parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
          },
        },
      ],
    });
    expect(server.requests[1]?.body.messages.slice(2)).toEqual([
      {
        role: 'assistant',
        content: 'Let me see.',
        tool_calls: [
          { id: 'call_a', type: 'function', function: { name: 'sql_query', arguments: '{"query":"a"}' } },
          { id: 'call_b', type: 'function', function: { name: 'sql_query', arguments: '{"query":"b"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_a', content: '{"n":1}' },
      { role: 'tool', tool_call_id: 'call_b', content: 'one' },
    ]);
  });

  it('tells the model what is wrong with its calls, and goes on', async () => {
    const session = hello();
    const llm = brain();
    server.script(
      {
        do: 'call',
        calls: [
          { tool: 'no such tool!', arguments: {} },
          { tool: 'sql_query', arguments: '{"query": "SEL' },
          { tool: 'sql_query', arguments: { query: 7 } },
        ],
      },
      { do: 'say', text: 'Sorry.' },
    );
    const first = await llm.think(session.context());
    expect(first.calls).toEqual([]);
    expect(first.answered?.map(({ outcome }) => outcome.error?.code)).toEqual([
      'unknown_tool',
      'invalid_parameters',
      'invalid_parameters',
    ]);
    session.apply(first);
    expect((await llm.think(session.context())).finish).toEqual({
      kind: 'completed',
      result: { text: 'Sorry.' },
    });
    const told = server.requests[1]?.body.messages
      .filter(({ role }) => role === 'tool')
      .map(({ content }) => content);
    expect(told).toEqual([
      expect.stringContaining('There is no tool'),
      expect.stringContaining('SEL'),
      expect.stringContaining('query: must be a string'),
    ]);
  });

  it('sends no tools when the session has none', async () => {
    server.script({ do: 'say', text: 'Hi.' });
    await brain().think(new Session({ input: 'Hello', tools: [] }).context());
    expect(server.requests[0]?.body).not.toHaveProperty('tools');
  });

  describe('keys', () => {
    it('sends the key, and none when there is none', async () => {
      server.otherwise({ do: 'say', text: 'Hi.' });
      await brain({ apiKey: 'sk-secret' }).think(hello().context());
      await brain().think(hello().context());
      expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer sk-secret',
        undefined,
      ]);
    });

    it('never repeats a key that the server quotes', async () => {
      await server.close();
      server = await startLlmServer({ apiKey: 'sk-right' });
      const error = await failure(brain({ apiKey: 'sk-wrong' }).think(hello().context()));
      expect(error).toMatchObject({ code: 'brain_failed', retryable: false, details: { status: 401 } });
      expect(error.message).toContain('Incorrect API key provided: ***');
      expect(JSON.stringify(troubles)).not.toContain('sk-wrong');
    });
  });

  describe('faults that pass', () => {
    it.each([
      ['429 with Retry-After in seconds', { 'retry-after': '7' }, 7000],
      ['429 with retry-after-ms', { 'retry-after-ms': '40', 'retry-after': '7' }, 40],
    ])('%s: waits as long as the server says', async (_, headers, ms) => {
      server.script({ do: 'fail', status: 429, headers }, { do: 'say', text: 'Hi.' });
      expect((await brain().think(hello().context())).finish).toMatchObject({ kind: 'completed' });
      expect(waits).toEqual([ms]);
      expect(troubles).toEqual([
        { session_id: 'sess-1', model: 'm-1', attempt: 1, message: '429 scripted 429', wait_ms: ms },
      ]);
    });

    it('429 with Retry-After as a date: waits until then', async () => {
      const date = new Date(Date.now() + 20_000).toUTCString();
      server.script(
        { do: 'fail', status: 429, headers: { 'retry-after': date } },
        { do: 'say', text: 'Hi.' },
      );
      await brain().think(hello().context());
      expect(waits).toHaveLength(1);
      expect(waits[0]).toBeLessThanOrEqual(20_000);
      expect(waits[0]).toBeGreaterThan(0);
    });

    it.each([
      ['500', { do: 'fail', status: 500 }],
      ['503', { do: 'fail', status: 503 }],
      ['a connection cut at once', { do: 'cut', at: 'once' }],
      ['a connection cut in the middle of the body', { do: 'cut', at: 'body' }],
      ['a body that breaks off with a proper end', { do: 'raw', body: '{"choices": [{"mess' }],
      ['a page of a proxy', { do: 'raw', body: '<html>', headers: { 'content-type': 'text/html' } }],
      ['an error under status 200', { do: 'raw', body: '{"error":{"message":"overloaded"}}' }],
      ['an empty answer', { do: 'say', text: '' }],
    ] as const)('%s: asks again', async (_, fault) => {
      server.script(fault, fault, { do: 'say', text: 'Hi.' });
      expect((await brain().think(hello().context())).finish).toMatchObject({
        kind: 'completed',
        result: { text: 'Hi.' },
      });
      expect(server.requests).toHaveLength(3);
      expect(waits).toEqual([250, 500]);
    });

    it('a server that falls silent in the middle of the body: asks again', async () => {
      server.script({ do: 'stall' });
      server.otherwise({ do: 'say', text: 'Hi.' });
      expect((await brain({ patience: { requestMs: 300 } }).think(hello().context())).finish).toMatchObject({
        kind: 'completed',
      });
      expect(troubles[0]?.message).toContain('300 ms');
    });

    it('a server that takes the request and says nothing: asks again', async () => {
      const never = new Promise<never>(() => undefined);
      server.script({ do: 'wait', until: never, then: { do: 'say', text: '' } });
      server.otherwise({ do: 'say', text: 'Hi.' });
      expect((await brain({ patience: { requestMs: 300 } }).think(hello().context())).finish).toMatchObject({
        kind: 'completed',
      });
    });

    it('counts the tokens of answers that said nothing', async () => {
      server.script({ do: 'say', text: '' }, { do: 'say', text: 'Hi.' });
      expect((await brain().think(hello().context())).usage).toEqual({ input_tokens: 20, output_tokens: 10 });
    });
  });

  describe('faults that last', () => {
    it('after five requests leaves the step to be thought again', async () => {
      server.otherwise({ do: 'fail', status: 500, error: { message: 'it burns' } });
      const error = await failure(brain().think(hello().context()));
      expect(error).toMatchObject({ code: 'brain_failed', retryable: true, details: { status: 500 } });
      expect(error.message).toContain('it burns');
      expect(server.requests).toHaveLength(5);
      expect(troubles.at(-1)?.wait_ms).toBeNull();
    });

    it('does the same when no server is there', async () => {
      const { baseUrl } = server;
      await server.close();
      const error = await failure(brain({ baseUrl }).think(hello().context()));
      expect(error).toMatchObject({ code: 'brain_failed', retryable: true });
      expect(error.message).toContain('ECONNREFUSED');
      server = await startLlmServer();
    });

    it('gives up when it has lasted for an hour, and not sooner', async () => {
      server.otherwise({ do: 'fail', status: 500 });
      const llm = brain();
      const session = hello();
      expect((await failure(llm.think(session.context()))).retryable).toBe(true);
      clock += 3_590_000;
      expect((await failure(llm.think(session.context()))).retryable).toBe(true);
      clock += 10_000;
      const error = await failure(llm.think(session.context()));
      expect(error.retryable).toBe(false);
      expect(error.message).toContain('given up');
    });

    it('counts the hour anew after each answer', async () => {
      server.otherwise({ do: 'fail', status: 500 });
      const llm = brain();
      const session = hello();
      await failure(llm.think(session.context()));
      clock += 3_590_000;
      server.script({ do: 'say', text: 'Hi.' });
      await llm.think(session.context());
      clock += 20_000;
      expect((await failure(llm.think(session.context()))).retryable).toBe(true);
    });

    it('leaves a server alone that asks for a long pause, whichever session comes', async () => {
      server.script({ do: 'fail', status: 429, headers: { 'retry-after': '90' } });
      server.otherwise({ do: 'say', text: 'Hi.' });
      const llm = brain();
      expect(await failure(llm.think(hello().context()))).toMatchObject({
        retryable: true,
        details: { retry_after_ms: 90_000 },
      });
      expect((await failure(llm.think(hello().context()))).retryable).toBe(true);
      expect(server.requests).toHaveLength(1);
      clock += 50_000;
      expect((await llm.think(hello().context())).finish).toMatchObject({ kind: 'completed' });
      expect(waits).toEqual([40_000]);
    });

    it('ends a session whose model never says anything', async () => {
      server.otherwise({ do: 'say', text: '' });
      const decision = await brain().think(hello().context());
      expect(decision.finish).toMatchObject({
        kind: 'failed',
        error: { code: 'brain_failed', retryable: false },
      });
      expect(decision.usage).toEqual({ input_tokens: 30, output_tokens: 15 });
      expect(server.requests).toHaveLength(3);
    });
  });

  describe('faults that stay', () => {
    it.each([400, 401, 403, 404, 422])(
      '%i ends the session, with the message of the server',
      async (status) => {
        server.script({ do: 'fail', status, error: { message: 'that is wrong' } });
        const error = await failure(brain().think(hello().context()));
        expect(error).toMatchObject({ code: 'brain_failed', retryable: false, details: { status } });
        expect(error.message).toContain('that is wrong');
        expect(server.requests).toHaveLength(1);
      },
    );

    it('an exhausted quota ends the session', async () => {
      server.script({ do: 'fail', status: 429, error: { message: 'pay first', type: 'insufficient_quota' } });
      expect((await failure(brain().think(hello().context()))).retryable).toBe(false);
    });

    it('a refusal ends the session', async () => {
      server.script({ do: 'refuse', text: 'I will not.' });
      const { finish } = await brain().think(hello().context());
      expect(finish).toMatchObject({ kind: 'failed', error: { code: 'brain_refused' } });
    });

    it('an address that is none ends the session', async () => {
      expect((await failure(brain({ baseUrl: 'nonsense' }).think(hello().context()))).retryable).toBe(false);
    });

    it('a missing model ends the session', async () => {
      const error = await failure(brain({ model: undefined }).think(hello().context()));
      expect(error).toMatchObject({
        retryable: false,
        message: expect.stringContaining('OPENAI_MODEL'),
      });
    });
  });

  describe('aborted', () => {
    const reason = new Error('a cancel was requested');

    it('while the server thinks: throws the reason and drops the request', async () => {
      const session = hello();
      server.otherwise({ do: 'wait', until: new Promise(() => undefined), then: { do: 'say', text: '' } });
      const thinking = brain().think(session.context());
      const caught = thinking.catch((error: unknown) => error);
      while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
      session.abort.abort(reason);
      expect(await caught).toBe(reason);
      expect(troubles).toEqual([]);
    });

    it('in the middle of a body', async () => {
      const session = hello();
      server.otherwise({ do: 'stall' });
      const caught = brain()
        .think(session.context())
        .catch((error: unknown) => error);
      while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
      session.abort.abort(reason);
      expect(await caught).toBe(reason);
    });

    it('while it waits for the next request', async () => {
      const session = hello();
      server.otherwise({ do: 'fail', status: 429, headers: { 'retry-after': '50' } });
      // the real wait: it must not take its 50 seconds
      const llm = new OpenAiBrain({
        baseUrl: server.baseUrl,
        model: 'm-1',
        onTrouble: () => session.abort.abort(reason),
      });
      await expect(llm.think(session.context())).rejects.toBe(reason);
      expect(server.requests).toHaveLength(1);
    });

    it('before it began', async () => {
      const session = hello();
      session.abort.abort(reason);
      await expect(brain().think(session.context())).rejects.toBe(reason);
      expect(server.requests).toEqual([]);
    });
  });

  describe('unavailable', () => {
    it('says what to set', () => {
      expect(new OpenAiBrain({}).unavailable()).toContain('OPENAI_API_KEY');
      expect(new OpenAiBrain({ apiKey: 'k' }).unavailable()).toBeUndefined();
      expect(new OpenAiBrain({ apiKey: 'k' }).unavailable({ input: 'x' })).toContain('OPENAI_MODEL');
      expect(new OpenAiBrain({ apiKey: 'k' }).unavailable({ input: 'x', model: 'm' })).toBeUndefined();
      expect(
        new OpenAiBrain({ baseUrl: 'http://x/v1', model: 'm' }).unavailable({ input: 'x' }),
      ).toBeUndefined();
    });
  });
});
