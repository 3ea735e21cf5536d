import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EffectClass, EFFECT_CLASSES, RetryableError } from '#contracts';
import { eventually } from '#testing';
import { deferred, DispatcherBed, keyOf, LEASE_MS, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
beforeEach(async () => {
  bed = await DispatcherBed.open();
});
afterEach(() => bed.close());

describe('an idle timeout', () => {
  const silent = (effect: EffectClass, signals: AbortSignal[]) =>
    tool(
      't',
      effect,
      (_parameters, context) => {
        context.heartbeat({ page: 1 });
        signals.push(context.signal);
        return new Promise(() => undefined);
      },
      {
        timeoutMs: 600_000,
        idleTimeoutMs: 1_000,
        retry: { maxAttempts: 2, initialMs: 100, factor: 1, maxMs: 100 },
      },
    );

  it.each([
    ['pure', 'failed', 'tool_idle_timeout', 2],
    ['idempotent', 'unknown', 'tool_idle_timeout', 2],
    ['irreversible', 'unknown', 'outcome_unknown', 1],
  ] as const)(
    'of a silent %s tool aborts it long before its timeout: %s, %s',
    async (effect, status, code, runs) => {
      const signals: AbortSignal[] = [];
      const process = bed.process([silent(effect, signals)]);
      const event = await bed.intent('t', { effect, deadlineMs: 10_000 });
      const running = process.run(event);
      await bed.advanceUntil(() => process.published.length > 0, 200);
      await running;
      expect(signals.map(({ aborted }) => aborted)).toEqual(Array(runs).fill(true));
      expect(signals[0]?.reason).toMatchObject({ code: 'tool_idle_timeout' });
      expect(process.published[0]?.data).toMatchObject({
        status,
        attempts: runs,
        error: { code, details: { heartbeat: { page: 1 } } },
      });
    },
  );

  it('leaves a tool alone that goes on saying that it is there', async () => {
    const gate = deferred<string>();
    let beat: () => void = () => undefined;
    let signal: AbortSignal | undefined;
    const process = bed.process([
      tool(
        't',
        'irreversible',
        (_parameters, context) => {
          signal = context.signal;
          beat = () => {
            context.heartbeat();
          };
          return gate.promise;
        },
        { timeoutMs: 600_000, idleTimeoutMs: 1_000 },
      ),
    ]);
    const event = await bed.intent('t', { deadlineMs: 600_000 });
    const running = process.run(event);
    await eventually(() => signal !== undefined);
    const end = bed.clock.now() + 6_000;
    await bed.advanceUntil(() => {
      beat();
      return bed.clock.now() >= end;
    }, 500);
    expect(signal?.aborted).toBe(false);
    // then it falls silent
    await bed.advanceUntil(() => signal?.aborted === true, 500);
    expect(bed.clock.now() - end).toBeLessThan(3_000);
    gate.resolve('late, but done');
    await running;
    expect(process.published[0]?.data).toMatchObject({ status: 'succeeded', result: 'late, but done' });
  });
});

describe('a queue TTL', () => {
  const QUEUE_TTL_MS = 5_000;
  const counted = (effect: EffectClass, run: (n: number) => unknown = (n) => n, more = {}) => {
    const made = { runs: 0 };
    const definition = tool('t', effect, () => run(++made.runs), { queueTtlMs: QUEUE_TTL_MS, ...more });
    return { made, definition };
  };

  it.each(EFFECT_CLASSES)('keeps a %s tool from running that nobody began in time', async (effect) => {
    const { made, definition } = counted(effect);
    const process = bed.process([definition]);
    const [inTime, tooLate] = [await bed.intent('t', { effect }), await bed.intent('t', { effect })];
    await bed.clock.advance(QUEUE_TTL_MS - 1);
    await process.run(inTime);
    await bed.clock.advance(2);
    await process.run(tooLate);
    expect(made.runs).toBe(1);
    expect(process.published.map(({ data }) => data?.status)).toEqual(['succeeded', 'failed']);
    expect(process.published[1]?.data).toMatchObject({
      attempts: 0,
      error: {
        code: 'queue_ttl_exceeded',
        retryable: true,
        details: { waited_ms: QUEUE_TTL_MS + 1, queue_ttl_ms: QUEUE_TTL_MS },
      },
    });
    // told once and for all: whoever gets it next is told the same
    await process.run(tooLate);
    expect(made.runs).toBe(1);
    expect(process.published[2]?.data).toMatchObject({ error: { code: 'queue_ttl_exceeded' } });
  });

  it('says nothing about a claim that is another’s by then', async () => {
    const { made, definition } = counted('irreversible');
    const event = await bed.intent('t');
    await bed.clock.advance(QUEUE_TTL_MS + 1);
    const other = bed.process([definition]);
    const claims = new Proxy(bed.claims, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'record')
          return async (...given: Parameters<typeof target.record>) => {
            late.freeze();
            await bed.clock.advance(LEASE_MS + 1);
            await other.run(event);
            return target.record(...given);
          };
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const late = bed.process([definition], { claims });
    await late.run(event);
    expect(made.runs).toBe(0);
    const outcomes = [...other.published, ...late.published].map(({ data }) => data);
    expect(outcomes).toHaveLength(2);
    // what was recorded first is what both tell
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it.each(EFFECT_CLASSES)('of a %s tool is no reason to give up what was begun in time', async (effect) => {
    const { made, definition } = counted(
      effect,
      (n) => {
        if (n === 1) throw new RetryableError('not now');
        return n;
      },
      { retry: { maxAttempts: 2, initialMs: QUEUE_TTL_MS * 2, factor: 1, maxMs: QUEUE_TTL_MS * 2 } },
    );
    const process = bed.process([definition]);
    const event = await bed.intent('t', { effect, deadlineMs: 60_000 });
    await process.run(event);
    await bed.clock.advance(QUEUE_TTL_MS * 2);
    await process.run(event);
    expect(made.runs).toBe(2);
    expect(process.published[0]?.data).toMatchObject({ status: 'succeeded', result: 2, attempts: 2 });
  });

  it('is no reason to say that nothing was done of an idempotent tool whose dispatcher died at it', async () => {
    const { made, definition } = counted('idempotent', (n) => (n === 1 ? new Promise(() => undefined) : n));
    const dies = bed.process([definition]);
    const event = await bed.intent('t', { effect: 'idempotent' });
    void dies.run(event);
    await eventually(() => made.runs === 1);
    dies.freeze();
    await bed.clock.advance(QUEUE_TTL_MS + LEASE_MS + 1);
    const next = bed.process([definition]);
    await next.run(event);
    expect(made.runs).toBe(2);
    expect(next.published[0]?.data).toMatchObject({ status: 'succeeded', result: 2 });
  });

  it('holds for what died between claim and start', async () => {
    const { made, definition } = counted('irreversible');
    const event = await bed.intent('t');
    const digest = (await bed.sessions.load(keyOf(event).sessionId))?.pending[0]?.digest ?? '';
    await bed.claims.claim({ ...keyOf(event), digest, token: 'dead:1', leaseMs: LEASE_MS });
    await bed.clock.advance(QUEUE_TTL_MS + LEASE_MS + 1);
    const process = bed.process([definition]);
    await process.run(event);
    expect(made.runs).toBe(0);
    expect(process.published[0]?.data).toMatchObject({ status: 'failed', attempts: 0 });
  });

  it('is none for a compensation', async () => {
    const { made, definition } = counted('idempotent');
    const process = bed.process([definition]);
    const event = await bed.intent('t', { effect: 'idempotent', compensates: 'sess.1.0' });
    await bed.clock.advance(QUEUE_TTL_MS + 1);
    await process.run(event);
    expect({ runs: made.runs, status: process.published[0]?.data?.status }).toEqual({
      runs: 1,
      status: 'succeeded',
    });
  });
});
