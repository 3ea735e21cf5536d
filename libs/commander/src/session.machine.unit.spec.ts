import { describe, expect, it } from '@jest/globals';
import {
  type ApprovalDecision,
  isTerminal,
  type Outcome,
  type PendingIntent,
  type ResolutionOutcome,
  type Snapshot,
  type StoredStatus,
  type StuckIntent,
  TERMINAL_STATUSES,
} from '#contracts';
import { cancelsAnew } from './core/cancel.js';
import { newSession } from './core/create.js';
import type { Input } from './core/input.js';
import { outcomeOf } from './play/session-play.js';
import { transition } from './session.machine.js';

const NOW = 2_000_000;
const ID = 'sess-TABLE';

const pending = (over: Partial<PendingIntent> = {}): PendingIntent => ({
  intent_id: `${ID}.1.0`,
  tool: 'look',
  parameters: {},
  digest: 'd1',
  effect: 'pure',
  step: 1,
  emitted_at: NOW - 10,
  deadline_at: NOW + 1000,
  call: 'step:a',
  ...over,
});

const stuck = (over: Partial<PendingIntent> = {}): StuckIntent => ({
  intent: pending({ intent_id: `${ID}.1.1`, effect: 'irreversible', ...over }),
  outcome: outcomeOf({ status: 'unknown' }),
});

const held = (over: Partial<PendingIntent> = {}): PendingIntent =>
  pending({ intent_id: `${ID}.1.2`, digest: 'd2', effect: 'irreversible', call: 'step:b', ...over });

const given = (over: Partial<Snapshot> = {}): Snapshot => ({
  ...newSession(ID, {
    tenant: 'default',
    submission: { plan: { steps: [{ id: 'a', tool: 'look' }] } },
    brain: 'plan',
    trace_id: '0'.repeat(32),
    created_at: NOW - 100,
  }).snapshot,
  ...over,
});

const conversing = (over: Partial<Snapshot>): Snapshot => {
  const snapshot = given(over);
  return { ...snapshot, fixed: { ...snapshot.fixed, submission: { input: 'hello' }, brain: 'openai' } };
};
const question = { call: 'call_q', content: 'Which?', at: NOW - 5 };
const inbox: Snapshot['inbox'] = [
  { id: 'm', name: 'observation.user_message', at: NOW - 5, version: 1, data: { content: 'that' } },
];

const observation = (o: Extract<Input, { kind: 'observation' }>['observation']): Input => ({
  kind: 'observation',
  observation: o,
  thinksAfter: 'each',
});

/** Each status as it really stands: what it has pending and how it is ending. */
const statuses: Record<string, Snapshot> = {
  queued: given(),
  waiting_tool: given({ status: 'waiting_tool', step: 1, pending: [pending()] }),
  'waiting_tool, ending': given({
    status: 'waiting_tool',
    step: 1,
    pending: [pending()],
    ending: { status: 'failed', compensate: false },
  }),
  waiting_input: conversing({ status: 'waiting_input', step: 1, question }),
  waiting_approval: given({ status: 'waiting_approval', step: 1, held: [held()] }),
  'waiting_tool, held': given({ status: 'waiting_tool', step: 1, pending: [pending()], held: [held()] }),
  compensating: given({
    status: 'compensating',
    step: 2,
    pending: [pending({ compensates: `${ID}.0.0`, call: 'undo:a' })],
    ending: { status: 'failed', compensate: true },
  }),
  parked: given({ status: 'parked', step: 1, stuck: [stuck()] }),
  'parked, held': given({ status: 'parked', step: 1, stuck: [stuck()], held: [held()] }),
  'parked, ending': given({
    status: 'parked',
    step: 1,
    stuck: [stuck()],
    ending: { status: 'failed', compensate: false },
  }),
  'parked, undoing': given({
    status: 'parked',
    step: 1,
    stuck: [stuck({ compensates: `${ID}.0.0`, call: 'undo:a' })],
    ending: { status: 'failed', compensate: true },
  }),
  ...Object.fromEntries(TERMINAL_STATUSES.map((status) => [status, given({ status, step: 1 })])),
};

const resolve = (outcome: ResolutionOutcome) =>
  observation({
    type: 'resolution',
    id: `${ID}.1.1.resolution`,
    intent_id: `${ID}.1.1`,
    outcome,
    by: 'ann',
    reason: 'looked',
  });
const answer = (decision: ApprovalDecision, digest = 'd2') =>
  observation({
    type: 'approval',
    id: `${ID}.1.2.approval`,
    intent_id: `${ID}.1.2`,
    decision,
    by: 'ann',
    digest,
  });
const result = (over: Partial<Outcome> = {}) => outcomeOf(over);
const inputs: Record<string, Input> = {
  session_created: observation({ type: 'session_created', id: `${ID}.created` }),
  tool_result: observation({ type: 'tool_result', id: 'r', intent_id: `${ID}.1.0`, outcome: result() }),
  'tool_result, not pending': observation({
    type: 'tool_result',
    id: 'r',
    intent_id: 'x',
    outcome: result(),
  }),
  'tool_result, no intent': observation({ type: 'tool_result', id: 'r', outcome: result() }),
  cancel: observation({ type: 'cancel', id: `${ID}.cancel`, compensate: false }),
  'timer, not due': observation({ type: 'timer', id: 't', timer_id: 'deadline' }),
  user_message: observation({ type: 'user_message', id: 'm' }),
  'user_message, taken up': observation({ type: 'user_message', id: 'earlier' }),
  approve: answer('approve'),
  reject: answer('reject'),
  'approve, another call': answer('approve', 'd3'),
  'resolution: done': resolve('succeeded'),
  'resolution: not done': resolve('failed'),
  'resolution: again': resolve('retry'),
  sealed: { kind: 'sealed', answers: [{ intent_id: `${ID}.1.0`, kind: 'sealed' }] },
  decision: { kind: 'decision', decision: { calls: [], finish: { kind: 'completed', result: 1 } } },
  think_failed: { kind: 'think_failed', error: { code: 'brain_failed', message: 'no', retryable: false } },
  conclusion: { kind: 'conclusion', conclusion: { calls: [] } },
};

/** What comes of it: the step's next question, or why nothing changes. */
const outcomes: Record<string, Record<string, string>> = {
  queued: {
    session_created: 'think',
    tool_result: 'not_pending',
    'tool_result, not pending': 'not_pending',
    'tool_result, no intent': 'unattributable',
    cancel: 'conclude',
    user_message: 'not_begun',
    sealed: 'not_asked',
    decision: 'commit completed',
    think_failed: 'conclude',
    conclusion: 'not_asked',
  },
  waiting_tool: {
    session_created: 'duplicate',
    tool_result: 'think',
    'tool_result, not pending': 'not_pending',
    'tool_result, no intent': 'unattributable',
    cancel: 'seal',
    user_message: 'commit waiting_tool',
    sealed: 'not_asked',
    decision: 'commit waiting_tool',
    think_failed: 'seal',
    conclusion: 'not_asked',
  },
  'waiting_tool, ending': {
    session_created: 'duplicate',
    tool_result: 'conclude',
    'tool_result, not pending': 'not_pending',
    'tool_result, no intent': 'unattributable',
    cancel: 'seal',
    user_message: 'commit waiting_tool',
    sealed: 'conclude',
    decision: 'not_asked',
    think_failed: 'commit waiting_tool',
    conclusion: 'commit waiting_tool',
  },
  compensating: {
    session_created: 'duplicate',
    tool_result: 'conclude',
    'tool_result, not pending': 'not_pending',
    'tool_result, no intent': 'unattributable',
    cancel: 'commit compensating',
    user_message: 'commit compensating',
    sealed: 'conclude',
    decision: 'not_asked',
    think_failed: 'commit compensating',
    conclusion: 'commit compensating',
  },
};
const standing = {
  session_created: 'duplicate',
  tool_result: 'not_pending',
  'tool_result, not pending': 'not_pending',
  'tool_result, no intent': 'unattributable',
  cancel: 'conclude',
  sealed: 'not_asked',
  decision: 'commit completed',
  think_failed: 'conclude',
  conclusion: 'not_asked',
};
outcomes['waiting_input'] = { ...standing, user_message: 'think' };
outcomes['waiting_approval'] = {
  ...standing,
  user_message: 'commit waiting_approval',
  approve: 'commit waiting_tool',
  reject: 'think',
};
outcomes['waiting_tool, held'] = {
  ...outcomes['waiting_tool'],
  decision: 'commit waiting_tool',
  approve: 'commit waiting_tool',
  reject: 'think',
};
const parked = {
  ...standing,
  user_message: 'commit parked',
  decision: 'not_asked',
  think_failed: 'not_asked',
};
outcomes['parked'] = {
  ...parked,
  'resolution: done': 'think',
  'resolution: not done': 'think',
  'resolution: again': 'commit waiting_tool',
};
outcomes['parked, held'] = {
  ...outcomes['parked'],
  approve: 'commit waiting_tool',
  reject: 'commit parked',
};
outcomes['parked, ending'] = {
  ...parked,
  'resolution: done': 'conclude',
  'resolution: not done': 'conclude',
  'resolution: again': 'not_awaited',
};
outcomes['parked, undoing'] = {
  ...parked,
  'resolution: done': 'conclude',
  'resolution: not done': 'conclude',
  'resolution: again': 'commit compensating',
};
const unless: Record<string, string> = {
  'timer, not due': 'not_due',
  'user_message, taken up': 'duplicate',
  approve: 'not_awaited',
  reject: 'not_awaited',
  'approve, another call': 'not_awaited',
  'resolution: done': 'not_awaited',
  'resolution: not done': 'not_awaited',
  'resolution: again': 'not_awaited',
};

const isObservation = (name: string) => inputs[name]?.kind === 'observation';
const expected = (status: string, input: string): string => {
  if (TERMINAL_STATUSES.some((s) => s === status)) return isObservation(input) ? 'ended' : 'not_asked';
  return outcomes[status]?.[input] ?? unless[input] ?? 'missing from the table';
};

describe('every status against every input', () => {
  const table = Object.keys(statuses).flatMap((status) =>
    Object.keys(inputs).map((input) => [status, input, expected(status, input)] as const),
  );
  it.each(table)('%s × %s → %s', (status, input, then) => {
    const held = input === 'user_message' ? { inbox } : {};
    const before = { ...statuses[status]!, ...held };
    const frozen = JSON.stringify(before);
    const { snapshot, effects } = transition(before, inputs[input]!, NOW);
    const { next } = effects;
    const came =
      next.kind === 'ignore'
        ? next.reason
        : next.kind === 'commit'
          ? (next.passedOver ?? `commit ${snapshot.status}`)
          : next.kind;
    expect(came).toBe(then);
    expect(JSON.stringify(before)).toBe(frozen);
    if (next.kind === 'ignore') {
      expect(snapshot).toBe(before);
      expect([effects.history, effects.timeline, effects.forget]).toEqual([[], [], []]);
    } else expect(snapshot.version).toBe(before.version + (isObservation(input) ? 1 : 0));
    if (next.kind === 'commit') expect(next.wakeAt === null).toBe(isTerminal(snapshot.status));
  });
});

describe('the last 256 ids', () => {
  it('are remembered, and no more', () => {
    const applied = Array.from({ length: 256 }, (_, i) => `old${i}`);
    const { snapshot } = transition(given({ applied }), inputs['session_created']!, NOW);
    expect(snapshot.applied).toHaveLength(256);
    expect(snapshot.applied[0]).toBe('old1');
    expect(snapshot.applied.at(-1)).toBe(`${ID}.created`);
    const again = transition({ ...snapshot, status: 'queued' }, inputs['session_created']!, NOW);
    expect(again.effects.next).toMatchObject({ kind: 'ignore', reason: 'duplicate' });
  });
});

describe('publishing again', () => {
  const commit = { v: 1, step: 1, version: 2, applied: 'r', at: NOW, status: 'waiting_tool' as StoredStatus };
  const outbox = { commit, intent_ids: [], out: false };
  const republishes = (over: Partial<Snapshot>, id: string) => {
    const before = given({ status: 'waiting_tool', outbox, ...over });
    const input = observation({ type: 'tool_result', id, intent_id: 'gone', outcome: result() });
    return transition(before, input, NOW).effects.next;
  };
  it('is asked for when the latest step is delivered again', () => {
    expect(republishes({}, 'r')).toMatchObject({ kind: 'ignore', republish: true });
    expect(republishes({ status: 'completed' }, 'r')).toMatchObject({ kind: 'ignore', republish: true });
  });
  it('is not, when the outbox is known to be out, or the step was an earlier one', () => {
    expect(republishes({ outbox: { ...outbox, out: true } }, 'r')).toMatchObject({ republish: false });
    expect(republishes({}, 'q')).toMatchObject({ republish: false });
  });
});

describe('a result without an intent id', () => {
  const external = pending({ external: true, call: 'step:a' });
  const minimal = (tool?: string) =>
    observation({
      type: 'tool_result',
      id: 'w 1',
      ...(tool === undefined ? {} : { tool }),
      outcome: result(),
    });
  const waiting = (intents: PendingIntent[]) => given({ status: 'waiting_tool', step: 1, pending: intents });
  const next = (snapshot: Snapshot, input: Input) => transition(snapshot, input, NOW).effects.next;

  it('answers the one external intent, by name or without', () => {
    expect(next(waiting([external]), minimal())).toEqual({ kind: 'think' });
    expect(next(waiting([external]), minimal('look'))).toEqual({ kind: 'think' });
  });
  it.each([
    ['another name', [external], 'sing'],
    ['two pending', [external, pending({ external: true, intent_id: 'b' })], undefined],
    ['a tool of ours', [pending()], undefined],
  ])('does not with %s', (_, intents, tool) => {
    expect(next(waiting(intents), minimal(tool))).toMatchObject({ passedOver: 'unattributable' });
  });
  it('is passed over for good when it could not be told whose it is, and found so each time it comes', () => {
    const { snapshot } = transition(waiting([pending()]), minimal(), NOW);
    expect(snapshot).toMatchObject({ version: 2, status: 'waiting_tool', timeline_seq: 1 });
    // the session has gone on, and waits for one that it would be taken for
    const later = { ...snapshot, version: 3, pending: [{ ...external, intent_id: 'next' }] };
    expect(next(snapshot, minimal())).toMatchObject({ reason: 'unattributable', republish: true });
    const commit = { ...snapshot.outbox.commit!, applied: 'another' };
    expect(next({ ...later, outbox: { ...later.outbox, commit } }, minimal())).toMatchObject({
      reason: 'unattributable',
      republish: false,
    });
  });
  it('is looked at anew when a person has it redriven', () => {
    const { snapshot } = transition(waiting([pending()]), minimal(), NOW);
    const redriven = observation({
      type: 'redriven',
      id: 'letter.redriven.1',
      dead_letter: 'letter',
      by: 'ann',
      event_id: '1',
    });
    const told = transition({ ...snapshot, pending: [external] }, redriven, NOW).snapshot;
    expect(told.applied).toEqual(['letter.redriven.1']);
    expect(next(told, minimal())).toEqual({ kind: 'think' });
  });
  it('is applied once, though the next intent would take it', () => {
    const { snapshot } = transition(waiting([external]), minimal(), NOW);
    const again = next({ ...snapshot, pending: [{ ...external, intent_id: 'next' }] }, minimal());
    expect(again).toMatchObject({ reason: 'duplicate' });
  });
});

describe('what changes nothing now but might later', () => {
  const external = pending({ external: true, deadline_at: NOW + 10 });
  const due = observation({ type: 'timer', id: 't', timer_id: `intent:${external.intent_id}` });
  const answer = (id: string) =>
    observation({
      type: 'resolution',
      id,
      intent_id: `${ID}.1.1`,
      outcome: 'failed',
      by: 'ann',
      reason: 'looked',
    });
  const waiting = given({ status: 'waiting_tool', step: 1, pending: [external] });
  it.each([
    ['a timer whose time has not come', due, waiting, NOW + 20],
    ["another program's answer to what isn't stuck yet", answer('app 1'), statuses['parked']!, NOW],
  ])('%s is passed over for good', (_, input, later, then) => {
    const { snapshot, effects } = transition(waiting, input, NOW);
    expect(effects.next).toMatchObject({ kind: 'commit', passedOver: expect.any(String) });
    const again = transition({ ...later, applied: snapshot.applied }, input, then);
    expect(again.effects.next).toMatchObject({ kind: 'ignore', reason: 'duplicate' });
    expect(transition(later, input, then).effects.next.kind).not.toBe('ignore');
  });
  it('is no answer of ours: a person may give it under the same id', () => {
    const { next } = transition(waiting, answer(`${ID}.1.1.resolution`), NOW).effects;
    expect(next).toMatchObject({ kind: 'ignore', reason: 'not_awaited' });
  });
});

describe('another cancel', () => {
  const cancelled = { applied: [`${ID}.cancel`] };
  const flag = (compensate: boolean) => ({ cancel_requested: { compensate, at: NOW } });
  const ending = (compensate: boolean) => ({ ending: { status: 'cancelled' as const, compensate } });
  const table: [string, Partial<Snapshot>, [plain: boolean, compensate: boolean]][] = [
    ['on its way', { status: 'waiting_tool', ...flag(false) }, [false, true]],
    ['on its way, with compensate', { status: 'waiting_tool', ...flag(true) }, [false, false]],
    ['waiting_tool', { status: 'waiting_tool', ...ending(false), ...cancelled }, [false, true]],
    [
      'waiting_tool, to compensate',
      { status: 'waiting_tool', ...ending(true), ...cancelled },
      [false, false],
    ],
    ['compensating', { status: 'compensating', ...ending(true), ...cancelled }, [false, false]],
    ['parked', { status: 'parked', stuck: [stuck()], ...cancelled }, [true, true]],
    [
      'compensating, with a dead letter',
      { status: 'parked', dead: { letters: [], status: 'compensating' }, ...ending(true), ...cancelled },
      [false, false],
    ],
  ];
  it.each(table)('of a session that is %s: what changes it', (_, over, changes) => {
    const before = given({ step: 1, pending: [pending()], ...over });
    expect([false, true].map((compensate) => cancelsAnew(before, { compensate }))).toEqual(changes);
  });

  const again = (compensate: boolean) =>
    observation({ type: 'cancel', id: `${ID}.cancel.7`, compensate, request_digest: 'f'.repeat(64) });
  const undoing = {
    ...statuses['parked, undoing']!,
    ...cancelled,
    inbox: [{ id: `${ID}.cancel.7`, name: 'observation.cancel' as const, at: NOW, version: 1, data: {} }],
  };
  it('gives up undoing that failed', () => {
    const { snapshot, effects } = transition(undoing, again(false), NOW);
    expect(effects.next).toEqual({ kind: 'conclude' });
    expect(snapshot).toMatchObject({ stuck: undefined, inbox: undefined, ending: { compensate: false } });
    expect(snapshot.applied).toEqual([`${ID}.cancel`, `${ID}.cancel.7`, `${ID}.cancel.${'f'.repeat(16)}`]);
    expect(transition(undoing, again(true), NOW).snapshot.stuck).toHaveLength(1);
  });
});

describe('limits', () => {
  const think = (limits: object, usage = {}) => {
    const before = given();
    const fixed = { ...before.fixed, submission: { ...before.fixed.submission, limits } };
    const { snapshot } = transition(
      { ...before, fixed, usage: { ...before.usage, ...usage } },
      inputs['session_created']!,
      NOW,
    );
    return snapshot;
  };
  it('of steps and tokens are looked at before a think', () => {
    expect(think({ steps: 3 }, { steps: 3 }).ending?.error?.code).toBe('step_limit');
    expect(think({ steps: 3 }, { steps: 2 }).ending).toBeUndefined();
    expect(think({ tokens: 10 }, { input_tokens: 6, output_tokens: 4 }).ending?.error?.code).toBe(
      'token_limit',
    );
    expect(think({ tokens: 10 }, { input_tokens: 6, output_tokens: 3 }).ending).toBeUndefined();
  });
  it('of steps is 50 for an LLM and none for a plan', () => {
    expect(think({}, { steps: 50 }).ending).toBeUndefined();
    const before = given({ usage: { ...given().usage, steps: 50 } });
    const fixed = { ...before.fixed, submission: { input: 'hello' } };
    const { snapshot } = transition({ ...before, fixed }, inputs['session_created']!, NOW);
    expect(snapshot.ending?.error).toMatchObject({ code: 'step_limit', details: { limit: 50 } });
  });
  const call = { tool: 'look', parameters: {}, digest: 'd', effect: 'pure' as const, deadline_at: NOW + 1 };
  const decide = (limits: object, calls: number, tokens = 0) => {
    const open = think(limits);
    const decision = {
      calls: Array(calls).fill(call) as (typeof call)[],
      usage: { input_tokens: tokens, output_tokens: 0 },
    };
    return transition(open, { kind: 'decision', decision }, NOW).snapshot;
  };
  it('of tool calls and tokens are looked at before any call is emitted', () => {
    expect(decide({ tool_calls: 2 }, 2)).toMatchObject({ pending: [{}, {}], usage: { tool_calls: 2 } });
    expect(decide({ tool_calls: 2 }, 3)).toMatchObject({
      pending: [],
      ending: { error: { code: 'tool_call_limit' } },
    });
    expect(decide({ tokens: 10 }, 1, 11)).toMatchObject({
      pending: [],
      ending: { error: { code: 'token_limit' } },
    });
    expect(decide({ tokens: 10 }, 1, 10)).toMatchObject({ pending: [{}], usage: { input_tokens: 10 } });
  });
});

describe('a session that is ending', () => {
  it('emits nothing but what undoes something, whatever the brain says', () => {
    const call = { tool: 'look', parameters: {}, digest: 'd', effect: 'pure' as const, deadline_at: NOW + 1 };
    const conclude = (compensate: boolean) =>
      transition(
        given({ status: 'waiting_tool', ending: { status: 'failed', compensate } }),
        { kind: 'conclusion', conclusion: { calls: [call, { ...call, compensates: 'x' }] } },
        NOW,
      ).snapshot;
    expect(conclude(true).pending).toEqual([expect.objectContaining({ compensates: 'x' })]);
    expect(conclude(false)).toMatchObject({ status: 'failed', pending: [] });
  });
});

describe('a brain', () => {
  const open = () => transition(given(), inputs['session_created']!, NOW).snapshot;
  it('that decides nothing with nothing pending ends the session instead of letting it sleep for ever', () => {
    const { snapshot } = transition(open(), { kind: 'decision', decision: { calls: [] } }, NOW);
    expect(snapshot.ending?.error?.code).toBe('brain_failed');
  });
  it('that answers its own calls is asked again in the same step, and the log is told all of it', () => {
    const outcome = result({ status: 'failed' });
    const answered = [{ tool: 'nope', call: 'call_1', outcome }];
    const first = transition(
      open(),
      { kind: 'decision', decision: { calls: [], answered, message: 'm1' } },
      NOW,
    );
    expect(first.effects.next).toEqual({ kind: 'think' });
    const decision = { calls: [], message: 'm2', finish: { kind: 'completed' as const, result: 'x' } };
    const { snapshot } = transition(first.snapshot, { kind: 'decision', decision }, NOW);
    expect(snapshot).toMatchObject({ status: 'completed', step: 2, version: 2, usage: { steps: 2 } });
    expect(snapshot.outbox.commit).toMatchObject({
      applied: `${ID}.created`,
      step: 2,
      status: 'completed',
      brain_message: 'm1',
      answers: [
        { kind: 'decision', said: true, answered: [{ call: 'call_1' }] },
        { kind: 'decision', message: 'm2', finish: { kind: 'completed' } },
      ],
    });
  });
  it('that completes while something is pending completes when that has its answer', () => {
    const before = statuses['waiting_tool']!;
    const decided = transition(before, inputs['decision']!, NOW);
    const { snapshot } = transition(decided.snapshot, inputs['tool_result']!, NOW);
    expect(snapshot).toMatchObject({ status: 'completed', result: 1, pending: [] });
  });
  it('that needs all results is asked after the last', () => {
    const before = given({
      status: 'waiting_tool',
      pending: [pending(), pending({ intent_id: `${ID}.1.1` })],
    });
    const one = transition(before, { ...inputs['tool_result']!, thinksAfter: 'all' } as Input, NOW);
    expect(one.effects.next).toMatchObject({ kind: 'commit' });
    const last = observation({ type: 'tool_result', id: 'q', intent_id: `${ID}.1.1`, outcome: result() });
    expect(transition(one.snapshot, { ...last, thinksAfter: 'all' } as Input, NOW).effects.next).toEqual({
      kind: 'think',
    });
  });
});
