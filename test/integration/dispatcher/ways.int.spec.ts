import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CloudEvent,
  NonRetryableError,
  RetryableError,
  type ToolCallData,
  UnknownOutcomeError,
} from '#contracts';
import { eventually } from '#testing';
import { CONTEXT, deferred, DispatcherBed, keyOf, LEASE_MS, sessionOf, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
beforeEach(async () => {
  bed = await DispatcherBed.open();
});
afterEach(() => bed.close());

const outcomeOf = (events: CloudEvent[]) =>
  events.map((event) => {
    const { status, result, error, attempts } = event.data as Record<string, unknown>;
    return {
      id: event.id,
      status,
      result,
      error: (error as { code?: string } | null)?.code ?? null,
      attempts,
    };
  });

describe('the ordinary way', () => {
  it.each(['pure', 'idempotent', 'compensatable', 'irreversible'] as const)(
    'runs a %s tool once and publishes what it returned',
    async (effect) => {
      const seen: unknown[] = [];
      const process = bed.process([
        tool('t', effect, (parameters, context) => {
          const { intentId, idempotencyKey, sessionId, traceId, attempt } = context;
          seen.push({ parameters, intentId, idempotencyKey, sessionId, traceId, attempt });
          return { done: true };
        }),
      ]);
      const event = await bed.intent('t', { parameters: { a: 1 }, effect });
      await process.run(event);
      expect(seen).toEqual([
        {
          parameters: { a: 1 },
          intentId: event.id,
          idempotencyKey: event.id,
          sessionId: sessionOf(event),
          traceId: '0123456789abcdef0123456789abcdef',
          attempt: 1,
        },
      ]);
      expect(outcomeOf(process.published)).toEqual([
        { id: `${event.id}.result`, status: 'succeeded', result: { done: true }, error: null, attempts: 1 },
      ]);
      expect(process.published[0]).toMatchObject({
        source: '/dispatcher/test',
        subject: sessionOf(event),
        partitionkey: sessionOf(event),
        deploymentid: 'dormouse',
      });
      const claim = await bed.claimOf(event);
      // pure runs without a claim; the others record before they publish
      expect(claim?.outcome?.status ?? null).toBe(effect === 'pure' ? null : 'succeeded');
    },
  );

  it.each(['idempotent', 'irreversible'] as const)(
    'republishes what is recorded when a %s intent comes again, and runs nothing',
    async (effect) => {
      let runs = 0;
      const event = await bed.intent('t', { effect });
      const tools = [tool('t', effect, () => ++runs)];
      const first = bed.process(tools);
      await first.run(event);
      const second = bed.process(tools);
      await second.run(event);
      expect(runs).toBe(1);
      expect(second.published).toEqual(first.published);
    },
  );

  it.each(['pure', 'irreversible'] as const)(
    'runs no %s intent that its session does not wait for',
    async (effect) => {
      let runs = 0;
      const process = bed.process([tool('t', effect, () => ++runs)]);
      const event = await bed.intent('t', { effect });
      await bed.settle(event);
      await process.run(event);
      expect({ runs, published: process.published, claim: await bed.claimOf(event) }).toEqual({
        runs: 0,
        published: [],
        claim: null,
      });
      expect(process.executor.counts.stale).toBe(1);
    },
  );

  it('finishes an intent of ours whose session has expired, and counts it', async () => {
    let runs = 0;
    const process = bed.process([tool('t', 'irreversible', () => ++runs)]);
    const event = await bed.intent('t');
    const gone = { ...event, subject: 'sess-gone', data: { ...event.data!, session_id: 'sess-gone' } };
    await process.run(gone);
    expect(runs).toBe(0);
    expect(process.executor.counts.expired).toBe(1);
    expect(await bed.claimOf(gone)).toBeNull();
  });

  it('runs an intent once when two dispatchers get it at the same time', async () => {
    let runs = 0;
    const gate = deferred<string>();
    const tools = [
      tool('t', 'irreversible', () => {
        runs++;
        return gate.promise;
      }),
    ];
    const event = await bed.intent('t');
    const [a, b] = [bed.process(tools), bed.process(tools)];
    const both = Promise.all([a.run(event), b.run(event)]);
    await eventually(() => runs === 1);
    gate.resolve('once');
    await bed.advanceUntil(() => a.published.length + b.published.length >= 2, 200);
    await both;
    expect(runs).toBe(1);
    expect(a.published[0]?.data?.result).toBe('once');
    expect(b.published[0]?.data).toEqual(a.published[0]?.data);
  });

  it('joins a second delivery of an intent that is under way to the first', async () => {
    let runs = 0;
    const gate = deferred<number>();
    const process = bed.process([
      tool('t', 'pure', () => {
        runs++;
        return gate.promise;
      }),
    ]);
    const event = await bed.intent('t', { effect: 'pure' });
    const both = Promise.all([process.run(event), process.run(event)]);
    await eventually(() => runs === 1);
    gate.resolve(7);
    await both;
    expect({ runs, published: process.published.length }).toEqual({ runs: 1, published: 1 });
  });

  it('publishes what is ready in one turn in one call', async () => {
    const process = bed.process([tool('t', 'pure', () => 1)]);
    const events = await bed.intents(
      Array.from({ length: 20 }, () => ({ tool: 't', effect: 'pure' as const })),
    );
    await Promise.all(events.map((event) => process.run(event)));
    expect(process.published).toHaveLength(20);
    expect(process.calls.length).toBeLessThanOrEqual(2);
  });
});

describe('what is refused before it runs', () => {
  it.each(['pure', 'irreversible'] as const)(
    'fails a %s call whose parameters do not fit',
    async (effect) => {
      let runs = 0;
      const process = bed.process([
        tool('t', effect, () => ++runs, {
          parameters: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
        }),
      ]);
      const event = await bed.intent('t', { parameters: { n: 'two' }, effect });
      await process.run(event);
      expect(runs).toBe(0);
      expect(process.published[0]?.data).toMatchObject({
        status: 'failed',
        attempts: 0,
        error: { code: 'invalid_parameters', retryable: false, message: 'n: expected integer, got "two"' },
      });
    },
  );

  it('dead-letters a call of a tool that nobody has, and says nothing of its outcome', async () => {
    const event = await bed.intent('nowhere', { effect: 'irreversible' });
    const without = bed.process([]);
    await expect(without.run(event)).rejects.toMatchObject({ code: 'unknown_tool', deadLetter: true });
    expect(without.published).toEqual([]);
    expect(await bed.claimOf(event)).toBeNull();
    // redriven to one that has it
    const having = bed.process([tool('nowhere', 'irreversible', () => 'done')]);
    await having.run(event);
    expect(outcomeOf(having.published)).toMatchObject([{ status: 'succeeded' }]);
  });

  it('dead-letters an event that is no intent', async () => {
    const process = bed.process([]);
    const event = await bed.intent('t');
    await expect(process.run({ ...event, data: { ...event.data!, tool_name: '' } })).rejects.toMatchObject({
      code: 'invalid_event',
      deadLetter: true,
    });
  });

  it.each(['pure', 'irreversible'] as const)(
    'never runs a %s intent whose parameters are not those that its session waits for',
    async (effect) => {
      let runs = 0;
      const process = bed.process([tool('t', effect, () => ++runs)]);
      const event = await bed.intent('t', { parameters: { amount: 1 }, effect });
      const forged = { ...event, data: { ...event.data!, parameters: { amount: 1_000 } } };
      await expect(process.run(forged)).rejects.toMatchObject({ code: 'intent_conflict', deadLetter: true });
      expect(runs).toBe(0);
      expect(outcomeOf(process.published)).toMatchObject([{ status: 'unknown', error: 'intent_conflict' }]);
      // the right one is not kept from running by it
      await process.run(event);
      expect(runs).toBe(1);
    },
  );

  it('never runs an intent whose id is claimed for other parameters', async () => {
    let runs = 0;
    const process = bed.process([tool('t', 'idempotent', () => ++runs)]);
    const event = await bed.intent('t', { effect: 'idempotent' });
    await bed.claims.claim({ ...keyOf(event), digest: 'another', token: 'a:1', leaseMs: LEASE_MS });
    await expect(process.run(event)).rejects.toMatchObject({ code: 'intent_conflict' });
    expect(runs).toBe(0);
    expect(process.published[0]?.data).toMatchObject({
      status: 'unknown',
      error: { code: 'intent_conflict' },
    });
  });
});

describe('results', () => {
  it('refuses one that is too large, and says that the tool ran', async () => {
    const process = bed.process([tool('t', 'irreversible', () => 'x'.repeat(100_000))]);
    await process.run(await bed.intent('t'));
    expect(process.published[0]?.data).toMatchObject({
      status: 'failed',
      error: { code: 'result_too_large', retryable: false, details: { executed: true } },
    });
  });

  it.each([
    ['a bigint', 10n],
    ['a function', () => 1],
    [
      'a circle',
      (() => {
        const o: Record<string, unknown> = {};
        o.o = o;
        return o;
      })(),
    ],
  ])('refuses %s', async (_name, value) => {
    const process = bed.process([tool('t', 'irreversible', () => value)]);
    await process.run(await bed.intent('t'));
    expect(process.published[0]?.data).toMatchObject({
      status: 'failed',
      error: { code: 'result_not_json', details: { executed: true } },
    });
  });

  it('keeps one that is too large for the log in the store', async () => {
    const process = bed.process([tool('t', 'irreversible', () => 'x'.repeat(60_000))]);
    await process.run(await bed.intent('t'));
    const [event] = process.published;
    expect(event?.data).toBeUndefined();
    const blob = await bed.sessions.getBlob(event?.dataref ?? '');
    expect((JSON.parse(Buffer.from(blob ?? []).toString()) as { result: string }).result).toHaveLength(
      60_000,
    );
  });

  it("are the tool's to change, and so are its parameters: neither intent nor outcome follows", async () => {
    const seen: unknown[] = [];
    const returned = { list: [1] };
    const process = bed.process([
      tool('t', 'pure', (parameters) => {
        seen.push(structuredClone(parameters));
        (parameters as { n: number }).n = 99;
        return returned;
      }),
    ]);
    const intent = await bed.intent('t', { effect: 'pure', parameters: { n: 1 } });
    const before = structuredClone(intent);
    await process.run(intent);
    await process.run(intent);
    returned.list.push(2);
    expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
    expect(intent).toEqual(before);
    expect(outcomeOf(process.published)).toMatchObject([{ status: 'succeeded', result: { list: [1] } }, {}]);
  });

  it('takes nothing as null', async () => {
    const process = bed.process([tool('t', 'pure', () => undefined)]);
    await process.run(await bed.intent('t', { effect: 'pure' }));
    expect(outcomeOf(process.published)).toMatchObject([{ status: 'succeeded', result: null }]);
  });
});

describe('an error', () => {
  const retry = { maxAttempts: 3, initialMs: 100, factor: 1, maxMs: 100 };
  const cases = [
    ['pure', () => new Error('no'), 3, 'failed', 'tool_failed'],
    ['idempotent', () => new Error('no'), 3, 'failed', 'tool_failed'],
    ['irreversible', () => new Error('no'), 1, 'failed', 'tool_failed'],
    ['irreversible', () => new RetryableError('not now'), 3, 'failed', 'tool_failed'],
    ['pure', () => new NonRetryableError('never'), 1, 'failed', 'tool_failed'],
    ['idempotent', () => new UnknownOutcomeError('cut'), 3, 'unknown', 'outcome_unknown'],
    ['pure', () => new UnknownOutcomeError('cut'), 3, 'failed', 'outcome_unknown'],
    ['irreversible', () => new UnknownOutcomeError('cut'), 1, 'unknown', 'outcome_unknown'],
    [
      'compensatable',
      () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
      1,
      'unknown',
      'outcome_unknown',
    ],
  ] as const;
  it.each(
    cases.map(
      ([effect, error, runs, status, code]) =>
        [effect, error().name, error().message, runs, status, code, error] as const,
    ),
  )(
    'of a %s tool (%s: %s) is run %i times and ends %s %s',
    async (effect, _name, _message, runs, status, code, error) => {
      let count = 0;
      const process = bed.process([
        tool(
          't',
          effect,
          async () => {
            count++;
            throw error();
          },
          { retry },
        ),
      ]);
      const running = process.run(await bed.intent('t', { effect }));
      await bed.advanceUntil(() => process.published.length > 0, 60);
      await running;
      expect(count).toBe(runs);
      expect(outcomeOf(process.published)).toMatchObject([{ status, error: code, attempts: runs }]);
    },
  );

  it('is tried more often by a compensation', async () => {
    let count = 0;
    const process = bed.process([
      tool('t', 'idempotent', () => {
        count++;
        throw new RetryableError('not now', { afterMs: 1 });
      }),
    ]);
    const running = process.run(await bed.intent('t', { effect: 'idempotent', compensates: 'x.1.0' }));
    await bed.advanceUntil(() => process.published.length > 0, 50);
    await running;
    expect(count).toBe(10);
  });
});

describe('an intent of others', () => {
  const foreign = (parameters: object): CloudEvent<ToolCallData> => ({
    specversion: '1.0',
    id: 'evt-123456789',
    source: '/their/program',
    type: `${CONTEXT.typePrefix}.intent.tool_call`,
    subject: 'their session/1',
    data: { session_id: 'their session/1', tool_name: 't', parameters: parameters as never },
  });

  it('is run under a claim and answered under its own ids, once', async () => {
    let runs = 0;
    const tools = [tool('t', 'pure', () => ++runs)];
    const [a, b] = [bed.process(tools), bed.process(tools)];
    await a.run(foreign({}));
    await b.run(foreign({}));
    expect(runs).toBe(1);
    expect(a.published[0]).toMatchObject({
      id: 'evt-123456789.result',
      subject: 'their session/1',
      data: { session_id: 'their session/1', intent_id: 'evt-123456789', status: 'succeeded', result: 1 },
    });
    expect(b.published).toEqual(a.published);
    expect(a.executor.counts.foreign).toBe(1);
  });

  it('of another source with the same id is another intent', async () => {
    let runs = 0;
    const process = bed.process([tool('t', 'idempotent', () => ++runs)]);
    await process.run(foreign({}));
    await process.run({ ...foreign({}), source: '/another/program' });
    expect(runs).toBe(2);
  });
});

it('finishes an intent of an external tool without claiming it', async () => {
  const process = bed.process([], {
    external: [{ name: 'theirs', description: 'theirs', parameters: {}, effect: 'irreversible' }],
  });
  const event = await bed.intent('theirs');
  await process.run(event);
  expect(process.published).toEqual([]);
  expect(await bed.claimOf(event)).toBeNull();
  expect(process.executor.counts.external).toBe(1);
});
