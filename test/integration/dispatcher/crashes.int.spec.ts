import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EffectClass } from '#contracts';
import type { ClaimStore } from '#idempotency';
import type { SessionStore } from '#state';
import { eventually } from '#testing';
import { deferred, DispatcherBed, keyOf, killedAt, LEASE_MS, tool } from './dispatcher-bed.js';

let bed: DispatcherBed;
beforeEach(async () => {
  bed = await DispatcherBed.open();
});
afterEach(() => bed.close());

const DEADLINE_MS = 20_000;
const never = new Promise<never>(() => undefined);

/** Gives the intent to a process again, as the log and the sweeper do, until something is published. */
const redeliver = async (
  process: ReturnType<DispatcherBed['process']>,
  event: Parameters<typeof process.run>[0],
) => {
  await bed.advanceUntil(async () => {
    void process.run(event).catch(() => undefined);
    return process.published.length > 0;
  }, LEASE_MS);
};

type Kill =
  | { port: 'claims'; move: keyof ClaimStore }
  | { port: 'sessions'; move: keyof SessionStore }
  | { port: 'log' }
  | { port: 'tool' };
const MOVES: [
  string,
  Kill,
  'before' | 'after',
  effects: readonly EffectClass[],
  ends: Partial<Record<EffectClass, 'succeeded' | 'unknown'>>,
][] = [
  ['claim', { port: 'claims', move: 'claim' }, 'before', ['idempotent', 'irreversible'], {}],
  ['claim', { port: 'claims', move: 'claim' }, 'after', ['idempotent', 'irreversible'], {}],
  [
    'isPending',
    { port: 'sessions', move: 'isPending' },
    'before',
    ['pure', 'idempotent', 'irreversible'],
    {},
  ],
  ['isPending', { port: 'sessions', move: 'isPending' }, 'after', ['pure', 'idempotent', 'irreversible'], {}],
  ['start', { port: 'claims', move: 'start' }, 'before', ['irreversible', 'compensatable'], {}],
  [
    'start',
    { port: 'claims', move: 'start' },
    'after',
    ['irreversible', 'compensatable'],
    { irreversible: 'unknown', compensatable: 'unknown' },
  ],
  [
    'the tool',
    { port: 'tool' },
    'after',
    ['pure', 'idempotent', 'irreversible', 'compensatable'],
    { irreversible: 'unknown', compensatable: 'unknown' },
  ],
  [
    'record',
    { port: 'claims', move: 'record' },
    'before',
    ['idempotent', 'irreversible'],
    { irreversible: 'unknown' },
  ],
  ['record', { port: 'claims', move: 'record' }, 'after', ['idempotent', 'irreversible'], {}],
  ['publish', { port: 'log' }, 'before', ['pure', 'idempotent', 'irreversible'], {}],
];

describe.each(MOVES)('a process killed at %s', (_name, kill, when, effects, ends) => {
  it.each(effects)(`(${when} it) leaves a %s intent that the next one ends`, async (effect) => {
    let runs = 0;
    let dead = false;
    const killed = () => {
      dead = true;
    };
    const dies = () => {
      killed();
      return never;
    };
    const mortal = bed.process(
      [
        tool('t', effect, () => {
          runs++;
          return kill.port === 'tool' ? dies() : 'first';
        }),
      ],
      {
        ...(kill.port === 'claims' ? { claims: killedAt(bed.claims, kill.move, when, killed) } : {}),
        ...(kill.port === 'sessions' ? { sessions: killedAt(bed.sessions, kill.move, when, killed) } : {}),
        ...(kill.port === 'log' ? { publish: dies } : {}),
      },
    );
    const event = await bed.intent('t', { effect, deadlineMs: DEADLINE_MS });
    void mortal.run(event).catch(() => undefined);
    await eventually(() => dead);
    mortal.freeze();
    const firstRuns = runs;

    const next = bed.process([
      tool('t', effect, () => {
        runs++;
        return 'second';
      }),
    ]);
    await redeliver(next, event);
    const status = ends[effect] ?? 'succeeded';
    expect(next.published[0]?.data?.status).toBe(status);
    if (effect === 'irreversible' || effect === 'compensatable')
      expect(runs).toBe(1 - (status === 'unknown' && firstRuns === 0 ? 1 : 0));
    if (status === 'unknown') {
      expect(bed.clock.now()).toBeGreaterThanOrEqual(Date.parse(String(event.time)) + DEADLINE_MS);
      expect(next.published[0]?.data?.error).toMatchObject({ code: 'outcome_unknown', retryable: false });
    }
    // one outcome, whoever is asked
    const results = new Set(
      [...mortal.published, ...next.published].map((e) => JSON.stringify([e.data?.status, e.data?.result])),
    );
    expect(results.size).toBe(1);
  });
});

describe('a claim whose owner is gone', () => {
  const abandon = async (
    effect: EffectClass,
    more: { started: boolean; attempts?: number; notBefore?: number },
    deadlineMs = DEADLINE_MS,
  ) => {
    const event = await bed.intent('t', { effect, deadlineMs });
    const { digest } = { digest: (await bed.sessions.load(keyOf(event).sessionId))!.pending[0]!.digest };
    await bed.claims.claim({ ...keyOf(event), digest, token: 'gone:1', leaseMs: LEASE_MS });
    if (more.attempts !== undefined)
      await bed.claims.defer(keyOf(event), 'gone:1', {
        attempts: more.attempts,
        notBefore: more.notBefore ?? 0,
        handOver: false,
      });
    if (more.started) await bed.claims.start(keyOf(event), 'gone:1');
    return event;
  };

  it('is not taken over while its lease runs', async () => {
    let runs = 0;
    const process = bed.process([tool('t', 'irreversible', () => ++runs)]);
    const event = await abandon('irreversible', { started: false });
    const running = process.run(event);
    await bed.clock.advance(LEASE_MS - 100);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(runs).toBe(0);
    await bed.advanceUntil(() => runs === 1, 300);
    await running;
    expect(process.executor.counts.takenOver).toBe(1);
  });

  it('counts the attempts that it left', async () => {
    let runs = 0;
    const seen: number[] = [];
    const process = bed.process([
      tool(
        't',
        'idempotent',
        (_parameters, { attempt }) => {
          runs++;
          seen.push(attempt);
          throw new Error('no');
        },
        { retry: { maxAttempts: 3, initialMs: 1, factor: 1, maxMs: 1 } },
      ),
    ]);
    const event = await abandon('idempotent', { started: false, attempts: 2 });
    await bed.clock.advance(LEASE_MS);
    await process.run(event);
    expect({ runs, seen }).toEqual({ runs: 1, seen: [3] });
    expect(process.published[0]?.data).toMatchObject({ status: 'failed', attempts: 3 });
  });

  it('is asked about with the probe, after the deadline only', async () => {
    const probed: number[] = [];
    const process = bed.process([
      tool('t', 'irreversible', () => 'ran', {
        probe: () => {
          probed.push(bed.clock.now());
          return { outcome: 'done', result: { booking: 7 } };
        },
      }),
    ]);
    const event = await abandon('irreversible', { started: true });
    await bed.clock.advance(LEASE_MS);
    await process.run(event);
    expect(process.published).toEqual([]);
    const deadline = Date.parse(String(event.data?.deadline));
    expect(await bed.wakeOf(event)).toBe(deadline);
    expect(await bed.claimOf(event)).toMatchObject({
      started: true,
      leaseUntil: 0,
      record: expect.stringContaining(event.id) as unknown,
    });
    await bed.clock.advance(deadline - bed.clock.now());
    await process.run(event);
    expect(probed).toEqual([deadline]);
    expect(process.published[0]?.data).toMatchObject({ status: 'succeeded', result: { booking: 7 } });
  });

  it.each([
    ['not_done', { outcome: 'not_done' }, 'failed', true],
    ['unknown', { outcome: 'unknown' }, 'unknown', false],
    ['nonsense', { outcome: 'maybe' }, 'unknown', false],
  ] as const)('whose probe answers %s', async (_name, answer, status, retryable) => {
    const process = bed.process([
      tool('t', 'irreversible', () => 'ran', { probe: () => answer as never, retry: { initialMs: 1 } }),
    ]);
    const event = await abandon('irreversible', { started: true });
    await bed.clock.advance(DEADLINE_MS);
    const running = process.run(event);
    await bed.advanceUntil(() => process.published.length > 0, 10);
    await running;
    expect(process.published[0]?.data).toMatchObject({ status, error: { retryable } });
  });

  it('that had started is looked into although the session wants it no more', async () => {
    const process = bed.process([tool('t', 'irreversible', () => 'ran')]);
    const event = await abandon('irreversible', { started: true });
    const snapshot = (await bed.sessions.load(keyOf(event).sessionId))!;
    await bed.sessions.commit({
      token: 'cancel:1',
      expectedVersion: snapshot.version,
      snapshot: {
        ...snapshot,
        version: snapshot.version + 1,
        cancel_requested: { compensate: false, at: bed.clock.now() },
      },
      history: [],
      timeline: [],
      wakeAt: bed.clock.now() + 10_000,
    });
    await bed.clock.advance(DEADLINE_MS);
    await process.run(event);
    expect(process.published[0]?.data?.status).toBe('unknown');
  });
});

describe('a run that its claim carries on', () => {
  it('is a suspect when as many owners died over it as make one, and is left to whoever tries it', async () => {
    const begun: string[] = [];
    const hangs = tool('t', 'idempotent', () => {
      begun.push('run');
      return new Promise(() => undefined);
    });
    const event = await bed.intent('t', { effect: 'idempotent' });
    for (let owner = 0; owner < 3; owner++) {
      const frozen = bed.process([hangs], { holdMs: 200, suspectAfter: 3 });
      const running = frozen.run(event);
      await eventually(() => begun.length === owner + 1);
      await bed.clock.advance(300);
      await running;
      expect(frozen.executor.counts.handedOver).toBe(1);
      frozen.freeze();
      await bed.clock.advance(LEASE_MS);
    }
    const next = bed.process([hangs], { suspectAfter: 3 });
    await expect(next.run(event)).rejects.toMatchObject({ suspect: true, deaths: 3, retryable: true });
    expect(begun).toHaveLength(3);
    // its lease is handed back: whoever tries it need not wait
    const alone = bed.process([tool('t', 'idempotent', () => 'survived')]);
    await alone.run(event);
    expect(alone.published[0]?.data?.result).toBe('survived');
  });
});

describe('an outcome', () => {
  it('of an owner that was replaced is not published', async () => {
    const gate = deferred<string>();
    const frozen = bed.process([tool('t', 'idempotent', () => gate.promise)]);
    const event = await bed.intent('t', { effect: 'idempotent' });
    const running = frozen.run(event);
    await eventually(async () => (await bed.claimOf(event)) !== null);
    // it sleeps through its lease
    frozen.freeze();
    await bed.clock.advance(LEASE_MS);
    const next = bed.process([tool('t', 'idempotent', () => 'new owner')]);
    await next.run(event);
    gate.resolve('old owner');
    await running;
    expect(next.published[0]?.data?.result).toBe('new owner');
    // superseded: what is recorded is published, by both
    expect(frozen.published[0]?.data?.result).toBe('new owner');
    expect(next.executor.counts).toMatchObject({ takenOver: 1, claimsLost: 0 });
    expect(frozen.executor.counts).toMatchObject({ takenOver: 0, claimsLost: 1 });
  });

  it('whose claim is gone is recorded again when the session still waits, and the tool is not run twice', async () => {
    let runs = 0;
    const gate = deferred<string>();
    const process = bed.process([
      tool('t', 'irreversible', () => {
        runs++;
        return gate.promise;
      }),
    ]);
    const event = await bed.intent('t');
    const running = process.run(event);
    await eventually(() => runs === 1);
    await bed.claims.forget([keyOf(event)]);
    gate.resolve('done');
    await running;
    expect(runs).toBe(1);
    expect(process.published[0]?.data).toMatchObject({ status: 'succeeded', result: 'done' });
    expect((await bed.claimOf(event))?.outcome?.result).toBe('done');
  });
});
