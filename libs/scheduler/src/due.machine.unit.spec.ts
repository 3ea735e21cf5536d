import { describe, expect, it } from '@jest/globals';
import {
  type Outcome,
  type PendingIntent,
  readTraceparent,
  RECORD_VERSION,
  runSpanId,
  type Snapshot,
  stepSpanId,
} from '#contracts';
import { type ClaimFacts, dueWork, putOffUntil } from './due.machine.js';

const NOW = Date.UTC(2026, 0, 27, 10);
const LEASE_MS = 30_000;
const HOUR_MS = 3_600_000;
const context = { source: '/scheduler/test', typePrefix: 'com.southwest.ai', deployment: 'dormouse' };

const intent = (more: Partial<PendingIntent> = {}): PendingIntent => ({
  intent_id: 'sess-a.1.0',
  tool: 't',
  parameters: {},
  digest: 'd',
  effect: 'idempotent',
  step: 1,
  emitted_at: NOW - 100_000,
  deadline_at: NOW + 50_000,
  ...more,
});
const session = (pending: PendingIntent[], more: Partial<Snapshot> = {}): Snapshot => ({
  v: RECORD_VERSION,
  session_id: 'sess-a',
  version: 2,
  fixed: {
    tenant: 'default',
    submission: { input: 'x' },
    brain: 'openai',
    trace_id: '0123456789abcdef0123456789abcdef',
    created_at: NOW - 200_000,
  },
  status: 'waiting_tool',
  step: 1,
  pending,
  outbox: { commit: null, intent_ids: [], out: true },
  applied: [],
  usage: { steps: 1, tool_calls: 1, input_tokens: 0, output_tokens: 0 },
  timeline_seq: 3,
  history_n: 1,
  updated_at: NOW - 100_000,
  ...more,
});
const claim = (more: Partial<ClaimFacts> = {}): ClaimFacts => ({
  digest: 'd',
  leaseUntil: 0,
  notBefore: 0,
  started: false,
  ...more,
});
const outcome: Outcome = {
  status: 'succeeded',
  result: 1,
  error: null,
  attempts: 1,
  started_at: new Date(NOW - 5_000).toISOString(),
  duration_ms: 12,
};

const work = (snapshot: Snapshot, claims: (ClaimFacts | null)[] = [], timerMs?: number) => {
  const { intents, observations, nextAt } = dueWork(context, {
    snapshot,
    claims,
    now: NOW,
    leaseMs: LEASE_MS,
    timerMs: () => timerMs,
  });
  return { ids: [...intents, ...observations].map((event) => event.id), in: nextAt - NOW };
};

describe('a pending intent', () => {
  const repeated = ['sess-a.1.0'];
  it.each<[string, Partial<PendingIntent>, ClaimFacts | null, number | undefined, string[], number | null]>([
    ['whose claim has an outcome', {}, claim({ outcome }), undefined, ['sess-a.1.0.result'], null],
    ['whose claim is alive', {}, claim({ leaseUntil: NOW + 7_000 }), undefined, [], 7_000],
    ['whose claim waits for a time', {}, claim({ notBefore: NOW + 9_000 }), undefined, [], 9_000],
    ['whose claim is dead', {}, claim({ leaseUntil: NOW - 1 }), undefined, repeated, null],
    [
      'that may have been done, before its deadline',
      { effect: 'irreversible' },
      claim({ started: true }),
      undefined,
      [],
      50_000,
    ],
    [
      'that may have been done, after its deadline',
      { effect: 'irreversible', deadline_at: NOW },
      claim({ started: true }),
      undefined,
      repeated,
      null,
    ],
    ['that is claimed for other parameters', {}, claim({ digest: 'x', outcome }), undefined, repeated, null],
    ['that nobody claimed for long', {}, null, undefined, repeated, null],
    ['that nobody claimed since a moment', { emitted_at: NOW - 10_000 }, null, undefined, [], 20_000],
    ['that waits for a time of the brain', { not_before: NOW + 4_000 }, null, undefined, [], 4_000],
    [
      'whose time of the brain has come',
      { not_before: NOW, emitted_at: NOW - 1 },
      null,
      undefined,
      repeated,
      null,
    ],
    ['of a timer that is not due', { emitted_at: NOW - 1_000 }, null, 6_000, [], 5_000],
    ['of a timer that is due', { emitted_at: NOW - 6_000 }, null, 6_000, repeated, null],
    ['of others, before its deadline', { external: true }, null, undefined, [], 50_000],
    [
      'of others, after its deadline',
      { external: true, deadline_at: NOW },
      null,
      undefined,
      ['sess-a.timer.intent:sess-a.1.0.2'],
      null,
    ],
  ])('%s', (_name, more, held, timerMs, ids, again) => {
    const found = work(session([intent(more)]), [held], timerMs);
    expect(found.ids).toEqual(ids);
    if (again === null) expect(found.in).toBeGreaterThanOrEqual(LEASE_MS);
    else expect(found.in).toBe(again);
    expect(found.in).toBeLessThanOrEqual(HOUR_MS);
  });

  it.each<[string, Partial<PendingIntent>, ClaimFacts | null, string[]]>([
    ['that nobody claimed for long may stand there', {}, null, []],
    ['that nobody claimed for ten minutes is repeated', { emitted_at: NOW - 600_000 }, null, repeated],
    ['whose claim is dead was seen, and is repeated', {}, claim({ leaseUntil: NOW - 1 }), repeated],
    ['whose time of the brain has come is repeated', { not_before: NOW }, null, repeated],
    ['whose claim has an outcome is answered', {}, claim({ outcome }), ['sess-a.1.0.result']],
  ])('while much stands in the log: one %s', (_name, more, held, ids) => {
    const { intents, observations, repaired, nextAt } = dueWork(context, {
      snapshot: session([intent(more)]),
      claims: [held],
      now: NOW,
      leaseMs: LEASE_MS,
      timerMs: () => undefined,
      backlog: true,
    });
    expect([...intents, ...observations].map(({ id }) => id)).toEqual(ids);
    if (ids.length === 0) expect(repaired).toBe(0);
    expect(nextAt).toBeGreaterThanOrEqual(NOW + LEASE_MS);
    expect(nextAt).toBeLessThanOrEqual(NOW + 600_000);
  });

  it('is repeated as it was published, and its outcome with the time of its end', () => {
    const facts = { now: NOW, leaseMs: LEASE_MS, timerMs: () => undefined };
    const snapshot = session([intent()]);
    const [repeat] = dueWork(context, { ...facts, snapshot, claims: [null] }).intents;
    expect(repeat).toMatchObject({
      time: new Date(NOW - 100_000).toISOString(),
      data: { tool_name: 't', step: 1 },
    });
    const [answer] = dueWork(context, { ...facts, snapshot, claims: [claim({ outcome })] }).observations;
    expect(answer).toMatchObject({ time: new Date(NOW - 5_000 + 12).toISOString(), data: { digest: 'd' } });
  });

  it('is repeated ever more rarely while nothing comes of it', () => {
    const waits = [60_000, 600_000, 6_000_000, 60_000_000].map(
      (age) => work(session([intent({ emitted_at: NOW - age })]), [null]).in,
    );
    expect(waits).toEqual([30_000, 300_000, 600_000, 600_000]);
  });
});

describe('a session', () => {
  it('that never began has its first observation again', () => {
    const queued = session([], { status: 'queued', version: 1 });
    expect(work(queued).ids).toEqual(['sess-a.created']);
    const facts = { claims: [], leaseMs: LEASE_MS, timerMs: () => undefined, backlog: true };
    const created = queued.fixed.created_at;
    const standing = (now: number) =>
      dueWork(context, { ...facts, snapshot: queued, now }).observations.length;
    expect([standing(created + 599_999), standing(created + 600_000)]).toEqual([0, 1]);
  });
  it('whose cancel nobody applied has it again', () => {
    const cancel = { compensate: false, at: NOW - 10_000 };
    expect(work(session([], { cancel_requested: cancel })).ids).toEqual(['sess-a.cancel']);
    expect(work(session([], { cancel_requested: cancel, applied: ['sess-a.cancel'] })).ids).toEqual([]);
  });
  it('to which a person sent what nobody has applied has it again, as it was', () => {
    const sent = {
      id: 'sess-a.1.0.resolution',
      name: 'observation.resolution' as const,
      version: 3,
      at: NOW - 10_000,
      data: { intent_id: 'sess-a.1.0', outcome: 'failed', by: 'ann', reason: 'looked' },
    };
    const made = session([], { status: 'parked', inbox: [sent] });
    expect(work(made).ids).toEqual([sent.id]);
    const facts = { snapshot: made, claims: [], now: NOW, leaseMs: LEASE_MS, timerMs: () => undefined };
    const [event] = dueWork(context, facts).observations;
    expect(event).toMatchObject({
      type: 'com.southwest.ai.observation.resolution',
      time: new Date(sent.at).toISOString(),
      data: { session_id: 'sess-a', ...sent.data },
    });
  });
  it('is told of its deadline when it is due, and woken for it before', () => {
    const at = (deadline_at: number) => {
      const made = session([]);
      return work({ ...made, fixed: { ...made.fixed, deadline_at } });
    };
    expect(at(NOW)).toMatchObject({ ids: ['sess-a.timer.deadline.2'] });
    expect(at(NOW + 3_000)).toEqual({ ids: [], in: 3_000 });
  });
  it('that has ended asks for nothing', () => {
    expect(work(session([intent()], { status: 'completed' }), [null]).ids).toEqual([]);
  });
  it('is looked at again at the earliest of its times', () => {
    const pending = [intent(), intent({ intent_id: 'sess-a.1.1' })];
    const claims = [claim({ leaseUntil: NOW + 9_000 }), claim({ notBefore: NOW + 4_000 })];
    expect(work(session(pending), claims).in).toBe(4_000);
    expect(putOffUntil(pending, claims, NOW)).toBe(NOW + 4_000);
    expect(putOffUntil(pending, [null, claim({ outcome })], NOW)).toBeUndefined();
  });
  it('whose claim was dead when it was looked at is not looked at again before its time', () => {
    const dead = claim({ leaseUntil: NOW - 1 });
    expect(putOffUntil([intent()], [dead], NOW)).toBeUndefined();
    expect(putOffUntil([intent(), intent()], [dead, claim({ leaseUntil: NOW + 5_000 })], NOW)).toBe(
      NOW + 5_000,
    );
  });
});

describe('what is published again', () => {
  const facts = (snapshot: Snapshot, claims: (ClaimFacts | null)[], timerMs?: number) =>
    dueWork(context, { snapshot, claims, now: NOW, leaseMs: LEASE_MS, timerMs: () => timerMs });

  it('names the parents that it named the first time', () => {
    const [intentAgain] = facts(session([intent()]), [null]).intents;
    expect(readTraceparent(intentAgain?.traceparent)?.spanId).toBe(stepSpanId('sess-a', 1));
    const after = (attempts: number) =>
      facts(session([intent()]), [claim({ outcome: { ...outcome, attempts } })]).observations[0];
    expect(readTraceparent(after(2)?.traceparent)?.spanId).toBe(runSpanId('sess-a.1.0', 2));
    // it never ran: what emitted it is all there is
    expect(readTraceparent(after(0)?.traceparent)?.spanId).toBe(stepSpanId('sess-a', 1));
  });

  it('counts as repaired where it may have got lost, and not where its time has come', () => {
    const repaired = (...given: Parameters<typeof facts>) => facts(...given).repaired;
    expect(repaired(session([], { status: 'queued' }), [])).toBe(1);
    expect(repaired(session([intent()]), [null])).toBe(1);
    expect(repaired(session([intent()]), [claim({ outcome })])).toBe(1);
    expect(repaired(session([intent()]), [claim({ leaseUntil: NOW - 1 })])).toBe(1);
    expect(repaired(session([intent()]), [claim({ notBefore: NOW - 1 })])).toBe(0);
    expect(repaired(session([intent({ not_before: NOW - 1 })]), [null])).toBe(0);
    expect(repaired(session([intent()]), [null], 1_000)).toBe(0);
  });
});
