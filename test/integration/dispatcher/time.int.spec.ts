import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EffectClass, RetryableError } from '#contracts';
import { waitTool } from '#dispatcher';
import { eventually } from '#testing';
import { deferred, DispatcherBed, keyOf, LEASE_MS, sessionOf, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
beforeEach(async () => {
  bed = await DispatcherBed.open();
});
afterEach(() => bed.close());

describe('a timeout', () => {
  const hangs = (effect: EffectClass, signals: AbortSignal[], more = {}) =>
    tool(
      't',
      effect,
      (_parameters, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
      { timeoutMs: 1_000, retry: { maxAttempts: 2, initialMs: 100, factor: 1, maxMs: 100 }, ...more },
    );

  it.each([
    ['pure', 'failed'],
    ['idempotent', 'unknown'],
  ] as const)('of a %s tool aborts its signal, is tried again, and then is %s', async (effect, status) => {
    const signals: AbortSignal[] = [];
    const process = bed.process([hangs(effect, signals)]);
    const running = process.run(await bed.intent('t', { effect }));
    await bed.advanceUntil(() => process.published.length > 0, 200);
    await running;
    expect(signals.map((s) => s.aborted)).toEqual([true, true]);
    expect(process.published[0]?.data).toMatchObject({
      status,
      attempts: 2,
      error: { code: 'tool_timeout' },
    });
  });

  it('of an irreversible tool is not tried again; its late end still counts before the deadline', async () => {
    const gate = deferred<string>();
    let runs = 0;
    const process = bed.process([
      tool(
        't',
        'irreversible',
        () => {
          runs++;
          return gate.promise;
        },
        { timeoutMs: 1_000 },
      ),
    ]);
    const running = process.run(await bed.intent('t', { deadlineMs: 20_000 }));
    await bed.advanceUntil(() => runs === 1, 0);
    await bed.clock.advance(1_500);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(process.published).toEqual([]);
    gate.resolve('late, but done');
    await running;
    expect({ runs, data: process.published[0]?.data }).toMatchObject({
      runs: 1,
      data: { status: 'succeeded', result: 'late, but done', attempts: 1 },
    });
    // one run, however often its end was looked at
    const { figures } = process.executor;
    expect(Array.from(figures.durations.entries(), ([name, { count }]) => [name, count])).toEqual([['t', 1]]);
    expect(Array.from(figures.outcomes()).filter(({ count }) => count > 0)).toEqual([
      { tool: 't', status: 'succeeded', count: 1 },
    ]);
  });

  it('of an irreversible tool that never ends is unknown after the deadline', async () => {
    const process = bed.process([hangs('irreversible', [])]);
    const event = await bed.intent('t', { deadlineMs: 10_000 });
    const running = process.run(event);
    await bed.advanceUntil(() => process.published.length > 0, 500);
    await running;
    expect(bed.clock.now()).toBeGreaterThanOrEqual(Date.parse(String(event.data?.deadline)));
    expect(process.published[0]?.data).toMatchObject({
      status: 'unknown',
      error: { code: 'outcome_unknown' },
    });
  });

  it('tells what the run said last', async () => {
    const process = bed.process([
      tool(
        't',
        'pure',
        (_parameters, context) => {
          context.heartbeat({ page: 3 });
          return new Promise(() => undefined);
        },
        { timeoutMs: 100, retry: { maxAttempts: 1 } },
      ),
    ]);
    const running = process.run(await bed.intent('t', { effect: 'pure' }));
    await bed.advanceUntil(() => process.published.length > 0, 50);
    await running;
    expect(process.published[0]?.data?.error?.details).toEqual({ heartbeat: { page: 3 } });
  });
});

describe('a cancel', () => {
  it.each(['idempotent', 'irreversible'] as const)(
    'that came before a %s tool began keeps it from running',
    async (effect) => {
      let runs = 0;
      const process = bed.process([tool('t', effect, () => ++runs)]);
      const event = await bed.intent('t', { effect });
      expect((await bed.seal(event)).kind).toBe('sealed');
      await process.run(event);
      expect(runs).toBe(0);
      expect(process.published[0]?.data?.status).toBe('cancelled');
    },
  );

  it('between claim and start wins', async () => {
    let runs = 0;
    const event = await bed.intent('t');
    const claims = new Proxy(bed.claims, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'start')
          return async (...given: Parameters<typeof target.start>) => {
            await bed.seal(event);
            return target.start(...given);
          };
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const process = bed.process([tool('t', 'irreversible', () => ++runs)], { claims });
    await process.run(event);
    expect(runs).toBe(0);
    expect(process.published[0]?.data?.status).toBe('cancelled');
  });

  it.each([
    ['returns', 'succeeded'],
    ['says that nothing was done', 'cancelled'],
    ['is cut off', 'unknown'],
  ] as const)('signals what runs, and what %s is %s', async (how, status) => {
    const process = bed.process([
      tool(
        't',
        'irreversible',
        (_parameters, { signal }) =>
          new Promise((resolve, reject) => {
            signal.addEventListener('abort', () => {
              if (how === 'returns') resolve('done all the same');
              else if (how === 'is cut off') reject(signal.reason as Error);
              else reject(new RetryableError('stopped in time'));
            });
          }),
      ),
    ]);
    const event = await bed.intent('t');
    const running = process.run(event);
    await eventually(async () => (await bed.claimOf(event))?.started === true);
    expect((await bed.seal(event)).kind).toBe('started');
    await bed.advanceUntil(() => process.published.length > 0, 500);
    await running;
    expect(process.published[0]?.data?.status).toBe(status);
    expect(bed.clock.now() - Date.parse(String(event.time))).toBeLessThan(LEASE_MS);
  });

  it('of the session keeps what is not started from running, and leaves it to be sealed', async () => {
    let runs = 0;
    const process = bed.process([tool('t', 'irreversible', () => ++runs)]);
    const event = await bed.intent('t');
    const snapshot = (await bed.sessions.load(sessionOf(event)))!;
    await bed.sessions.commit({
      token: 'cancel:1',
      expectedVersion: 1,
      snapshot: { ...snapshot, version: 2, cancel_requested: { compensate: false, at: bed.clock.now() } },
      history: [],
      timeline: [],
      wakeAt: bed.clock.now() + 10_000,
    });
    await process.run(event);
    expect({ runs, published: process.published }).toEqual({ runs: 0, published: [] });
    expect((await bed.seal(event)).kind).toBe('sealed');
  });

  it('that a step applied before a pure tool had a claim reaches it all the same', async () => {
    const signals: AbortSignal[] = [];
    const process = bed.process([
      tool('t', 'pure', (_parameters, { signal }) => {
        signals.push(signal);
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      }),
    ]);
    const event = await bed.intent('t', { effect: 'pure' });
    const running = process.run(event);
    await eventually(() => signals.length === 1);
    expect((await bed.seal(event)).kind).toBe('sealed');
    await bed.settle(event);
    await bed.claims.forget([keyOf(event)]);
    await bed.advanceUntil(() => signals[0]?.aborted === true, LEASE_MS / 6);
    await running;
    expect(signals).toHaveLength(1);
    expect(await bed.claimOf(event)).toBeNull();
  });

  it('reaches a pure tool that runs long', async () => {
    let signal: AbortSignal | undefined;
    const process = bed.process([
      tool('t', 'pure', (_parameters, context) => {
        signal = context.signal;
        return new Promise((_resolve, reject) => {
          context.signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      }),
    ]);
    const event = await bed.intent('t', { effect: 'pure' });
    const running = process.run(event);
    await bed.advanceUntil(async () => (await bed.claimOf(event)) !== null, LEASE_MS / 6);
    // it took a claim after a third of a lease; the seal is heard at its renewal
    expect((await bed.seal(event)).kind).toBe('sealed');
    await bed.advanceUntil(() => signal?.aborted === true, 200);
    await running;
    expect(process.published[0]?.data?.status).toBe('cancelled');
  });
});

describe('a lease', () => {
  it('is renewed while the tool runs, so that nobody takes it over', async () => {
    let runs = 0;
    const gate = deferred<string>();
    const tools = [
      tool(
        't',
        'idempotent',
        () => {
          runs++;
          return gate.promise;
        },
        { timeoutMs: 600_000 },
      ),
    ];
    const [a, b] = [bed.process(tools), bed.process(tools)];
    const event = await bed.intent('t', { effect: 'idempotent', deadlineMs: 600_000 });
    const first = a.run(event);
    await eventually(() => runs === 1);
    const second = b.run(event);
    const end = bed.clock.now() + 5 * LEASE_MS;
    await bed.advanceUntil(() => bed.clock.now() >= end, LEASE_MS / 6);
    expect(runs).toBe(1);
    gate.resolve('done');
    await first;
    await bed.advanceUntil(() => b.published.length > 0, 200);
    await second;
    expect(b.published[0]?.data?.result).toBe('done');
  });

  it('that another holds for a minute is left to its claim', async () => {
    const event = await bed.intent('t', { effect: 'idempotent', deadlineMs: 600_000 });
    const token = 'other:1';
    const digest = await bed.digestOf(event);
    await bed.claims.claim({ ...keyOf(event), digest, token, leaseMs: 600_000 });
    const process = bed.process([tool('t', 'idempotent', () => 1)]);
    let finished = false;
    const running = process.run(event).then(() => {
      finished = true;
    });
    const end = bed.clock.now() + 50_000;
    await bed.advanceUntil(() => bed.clock.now() >= end, 2_000);
    expect(finished).toBe(false);
    await bed.advanceUntil(() => finished, 1_000);
    await running;
    const view = await bed.claimOf(event);
    expect(await bed.wakeOf(event)).toBe(view?.leaseUntil);
  });

  it('that is lost aborts the tool', async () => {
    let signal: AbortSignal | undefined;
    const process = bed.process([
      tool('t', 'idempotent', (_parameters, context) => {
        signal = context.signal;
        return new Promise((_resolve, reject) => {
          context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
        });
      }),
    ]);
    const event = await bed.intent('t', { effect: 'idempotent' });
    const running = process.run(event);
    await eventually(() => signal !== undefined);
    // somebody takes it over at the end of a lease that could not be renewed in time
    await bed.clock.advance(LEASE_MS + 1);
    const digest = await bed.digestOf(event);
    const taken = await bed.claims.claim({ ...keyOf(event), digest, token: 'other:1', leaseMs: LEASE_MS });
    if (taken.kind === 'taken_over') {
      await eventually(() => signal?.aborted === true);
      await bed.claims.record(
        keyOf(event),
        'other:1',
        { ...bed.cancelled(), status: 'succeeded', result: 'theirs', error: null },
        600_000,
      );
      await bed.advanceUntil(() => process.published.length > 0, 200);
      await running;
      expect(process.published[0]?.data?.result).toBe('theirs');
    } else throw new Error(`the renewal came first: ${taken.kind}`);
  });
});

describe('a backoff', () => {
  const retry = { maxAttempts: 3, initialMs: 5_000, factor: 1, maxMs: 5_000 };
  it.each(['pure', 'idempotent', 'irreversible'] as const)(
    'of a %s tool that is long survives the process, and no attempt is forgotten',
    async (effect) => {
      const attempts: number[] = [];
      const failing = tool(
        't',
        effect,
        (_parameters, { attempt }) => {
          attempts.push(attempt);
          throw new RetryableError('not now');
        },
        { retry },
      );
      const event = await bed.intent('t', { effect, deadlineMs: 600_000 });
      const dies = bed.process([failing]);
      // its record is finished, its place is free: nothing in the process waits
      await dies.run(event);
      expect(dies.executor.inFlight).toBe(0);
      const view = await bed.claimOf(event);
      expect(view).toMatchObject({
        attempts: 1,
        started: false,
        leaseUntil: 0,
        notBefore: bed.clock.now() + 5_000,
      });
      expect(JSON.parse(view?.record ?? '{}')).toEqual(event);
      expect(await bed.wakeOf(event)).toBe(view?.notBefore);
      dies.freeze();
      const next = bed.process([failing]);
      // too early: put off again, without a run
      await next.run(event);
      expect(attempts).toEqual([1]);
      await bed.clock.advance(5_000);
      await next.run(event);
      await bed.clock.advance(5_000);
      await next.run(event);
      expect(attempts).toEqual([1, 2, 3]);
      expect(next.published[0]?.data).toMatchObject({ status: 'failed', attempts: 3 });
    },
  );

  it('that is short is sat out without a place', async () => {
    let other = 0;
    const process = bed.process(
      [
        tool(
          't',
          'idempotent',
          () => {
            throw new RetryableError('not now', { afterMs: 1_000 });
          },
          { retry: { maxAttempts: 2 } },
        ),
        tool('u', 'idempotent', () => ++other),
      ],
      { concurrency: 1 },
    );
    const running = process.run(await bed.intent('t', { effect: 'idempotent' }));
    await eventually(() => process.executor.counts.attempts === 1);
    await process.run(await bed.intent('u', { effect: 'idempotent' }));
    expect(other).toBe(1);
    await bed.advanceUntil(() => process.published.length === 2, 300);
    await running;
  });
});

describe('wait', () => {
  it('holds nothing but the wake-up until it is due', async () => {
    const process = bed.process([waitTool]);
    const event = await bed.intent('wait', { parameters: { ms: 5_000 }, effect: 'pure' });
    await process.run(event);
    expect(process.published).toEqual([]);
    expect(process.executor.inFlight).toBe(0);
    expect(await bed.claimOf(event)).toBeNull();
    const due = Date.parse(String(event.time)) + 5_000;
    expect(await bed.wakeOf(event)).toBe(due);
    await bed.clock.advance(5_000);
    await process.run(event);
    expect(process.published[0]?.data).toMatchObject({
      status: 'succeeded',
      result: { waited_ms: 5_000 },
      duration_ms: 5_000,
      started_at: event.time,
    });
  });

  it('takes no place in flight', async () => {
    const gate = deferred<number>();
    const process = bed.process([waitTool, tool('t', 'idempotent', () => gate.promise)], { concurrency: 1 });
    const blocked = process.run(await bed.intent('t', { effect: 'idempotent' }));
    await eventually(() => process.executor.counts.attempts === 1);
    await process.run(await bed.intent('wait', { parameters: { ms: 0 }, effect: 'pure' }));
    expect(process.published).toHaveLength(1);
    gate.resolve(1);
    await blocked;
  });

  it('that does not fit fails', async () => {
    const process = bed.process([waitTool]);
    await process.run(await bed.intent('wait', { parameters: { ms: -1 }, effect: 'pure' }));
    expect(process.published[0]?.data).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_parameters' },
    });
  });

  it('of others is sat out under a claim', async () => {
    const process = bed.process([waitTool]);
    const running = process.run({
      specversion: '1.0',
      id: 'evt-1',
      source: '/theirs',
      type: 'com.southwest.ai.intent.tool_call',
      time: new Date(bed.clock.now()).toISOString(),
      data: { session_id: 'theirs', tool_name: 'wait', parameters: { ms: 2_000 } },
    });
    const begun = bed.clock.now();
    await bed.advanceUntil(() => process.published.length > 0, 500);
    await running;
    expect(bed.clock.now() - begun).toBeGreaterThanOrEqual(2_000);
    expect(process.published[0]?.data).toMatchObject({ status: 'succeeded', result: { waited_ms: 2_000 } });
  });
});

describe('a run of more than a minute', () => {
  it('finishes its record and goes on under its claim', async () => {
    const gate = deferred<string>();
    const process = bed.process([tool('t', 'irreversible', () => gate.promise, { timeoutMs: 600_000 })]);
    const event = await bed.intent('t', { deadlineMs: 600_000 });
    let finished = false;
    const running = process.run(event).then(() => {
      finished = true;
    });
    await bed.advanceUntil(() => finished, 900);
    await running;
    expect(bed.clock.now() - Date.parse(String(event.time))).toBeGreaterThanOrEqual(60_000);
    expect(process.executor.inFlight).toBe(1);
    const view = await bed.claimOf(event);
    expect(JSON.parse(view?.record ?? '{}')).toEqual(event);
    expect(await bed.wakeOf(event)).toBeLessThanOrEqual(bed.clock.now() + LEASE_MS);
    gate.resolve('after all');
    await eventually(() => process.published.length === 1);
    expect(process.published[0]?.data?.result).toBe('after all');
  });
});
