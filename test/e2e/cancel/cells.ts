import type { SessionStatus, Submission } from '#contracts';
import { METRICS } from '#telemetry';
import { eventually } from '#testing';
import type { Stage } from './stage.js';

/** Where a cancel leads. */
export interface End {
  status: SessionStatus;
  /** what began after the cancel was asked for, in any order: only what undoes something */
  undone?: string[];
  /** what was told to stop */
  aborted?: string[];
  /** it stands still for a person: what becomes of it when he has settled what is stuck, and what that undoes */
  settled?: { status: SessionStatus; undone?: string[] };
}

/** A state of a session, and what a cancel makes of it. */
export interface Cell {
  name: string;
  /** as the session shows it when it is cancelled */
  status: SessionStatus;
  submission: Submission;
  /** what has to be there before; returns how it is taken away */
  prepare?: (stage: Stage) => Promise<() => Promise<unknown>>;
  /** waits for what the status doesn't tell */
  reached?: (stage: Stage, id: string) => Promise<unknown>;
  /** after the cancel was taken up: lets go on what is waited for */
  then?: (stage: Stage, id: string) => Promise<unknown>;
  plain: End;
  compensate: End;
  /** what runs is waited for: nothing is undone before its end */
  waitedFor?: boolean;
  /** is also tried on Kafka and Redis, each role in processes of its own */
  split?: boolean;
}

const call = (id: string, tool: string, parameters: object = {}, more: object = {}) => ({
  id,
  tool,
  parameters: { name: id, ...parameters },
  ...more,
});
const first = (parameters: object = {}) => call('first', 'do_compensatable', parameters);
const after = call('after', 'do_pure');
/** Something was done, something is under way, something would follow. */
const during = (held: object, more: object = {}): Submission =>
  ({ plan: { steps: [first(), held, after] }, ...more }) as Submission;
const holding = (effect: string, onAbort: string, more: object = {}) =>
  during(call('held', `do_${effect}`, { does: 'hold', on_abort: onAbort, ...more }));
const heldBegun = (stage: Stage, id: string) => stage.begun(id, 'held');
/** Nothing is under way in any dispatcher but this many intents. */
const underWay = (n: number) => (stage: Stage) =>
  eventually(async () => (await stage.gauge(METRICS.tool.inFlight)) === n, {
    what: `${n} intents are under way`,
  });

const NOTHING: End = { status: 'cancelled' };
const FIRST_UNDONE: End = { status: 'compensated', undone: ['undo first'] };
const ABORTED = { aborted: ['held'] };
/** Nobody may guess what became of it. */
const UNKNOWN = { status: 'parked' } as const;
const NINE_TIMES = Array<string>(9).fill('undo first');

/** Another session holds the only slot of the tool. */
const slotTaken = async (stage: Stage) => {
  const holder = await stage.submit({
    plan: { steps: [call('holder', 'do_narrow', { does: 'hold', on_abort: 'finishes' })] },
  });
  await stage.begun(holder, 'holder');
  return async () => {
    stage.open(holder, 'holder');
    await stage.reaches(holder, 'completed');
  };
};

/** What waits for something else than a run: it is sealed, and never runs. */
const WAITING: Cell[] = [
  {
    name: 'a tool in a short backoff',
    status: 'waiting_tool',
    submission: during(call('held', 'do_idempotent', { does: 'back_off', ms: 1_800 })),
    reached: heldBegun,
    plain: NOTHING,
    compensate: FIRST_UNDONE,
  },
  {
    name: 'a tool in a backoff that is left to its claim',
    status: 'waiting_tool',
    submission: during(call('held', 'do_compensatable', { does: 'back_off', ms: 60_000 })),
    reached: async (stage, id) => {
      await heldBegun(stage, id);
      await underWay(0)(stage);
    },
    plain: NOTHING,
    compensate: FIRST_UNDONE,
    split: true,
  },
  {
    name: 'a tool that waits for a slot',
    status: 'waiting_tool',
    prepare: slotTaken,
    submission: during(call('held', 'do_narrow')),
    reached: (stage) =>
      eventually(async () => (await stage.gauge(METRICS.tool.waitingForSlots)) === 1, {
        what: 'it waits for the slot',
      }),
    plain: NOTHING,
    compensate: FIRST_UNDONE,
    split: true,
  },
  {
    name: 'a durable timer',
    status: 'waiting_tool',
    submission: during({ id: 'held', tool: 'wait', parameters: { ms: 600_000 } }),
    reached: async (stage, id) => {
      await eventually(async () => (await stage.session(id)).pending[0]?.tool_name === 'wait');
      await underWay(0)(stage);
    },
    plain: NOTHING,
    compensate: FIRST_UNDONE,
  },
];

/** What runs is told to stop and, if it may have an effect, waited for. */
const RUNNING: Cell[] = [
  {
    name: 'a pure tool that runs',
    status: 'waiting_tool',
    submission: holding('pure', 'is_cut'),
    reached: heldBegun,
    plain: { ...NOTHING, ...ABORTED },
    compensate: { ...FIRST_UNDONE, ...ABORTED },
  },
  {
    name: 'an idempotent tool that runs',
    status: 'waiting_tool',
    submission: holding('idempotent', 'is_cut'),
    reached: heldBegun,
    plain: { ...NOTHING, ...ABORTED },
    compensate: { ...FIRST_UNDONE, ...ABORTED },
    split: true,
  },
  {
    name: 'a compensatable tool that finishes when it is told to stop',
    waitedFor: true,
    status: 'waiting_tool',
    submission: holding('compensatable', 'finishes'),
    reached: heldBegun,
    plain: { ...NOTHING, ...ABORTED },
    compensate: { status: 'compensated', undone: ['undo held', 'undo first'], ...ABORTED },
    split: true,
  },
  {
    name: 'a compensatable tool that says that it did nothing',
    waitedFor: true,
    status: 'waiting_tool',
    submission: holding('compensatable', 'did_nothing'),
    reached: heldBegun,
    plain: { ...NOTHING, ...ABORTED },
    compensate: { ...FIRST_UNDONE, ...ABORTED },
  },
  {
    name: 'a compensatable tool that is cut off',
    waitedFor: true,
    status: 'waiting_tool',
    submission: holding('compensatable', 'is_cut'),
    reached: heldBegun,
    plain: { ...UNKNOWN, settled: NOTHING, ...ABORTED },
    compensate: { status: 'compensated', undone: ['undo held', 'undo first'], ...ABORTED },
  },
  {
    name: 'an irreversible tool that pays no heed',
    waitedFor: true,
    status: 'waiting_tool',
    submission: holding('irreversible', 'pays_no_heed'),
    reached: heldBegun,
    then: async (stage, id) => {
      await eventually(() => stage.journal(id).some((line) => line.at === 'aborted'));
      // it is waited for, however long it takes
      const { status, pending } = await stage.session(id);
      if (status !== 'waiting_tool' || pending.length !== 1)
        throw new Error(`it is ${status} before its end`);
      stage.open(id, 'held');
    },
    plain: { ...NOTHING, ...ABORTED },
    compensate: { ...FIRST_UNDONE, ...ABORTED },
    split: true,
  },
  {
    name: 'an irreversible tool that is cut off',
    waitedFor: true,
    status: 'waiting_tool',
    submission: holding('irreversible', 'is_cut'),
    reached: heldBegun,
    plain: { ...UNKNOWN, settled: NOTHING, ...ABORTED },
    compensate: { ...UNKNOWN, settled: FIRST_UNDONE, ...ABORTED },
  },
  {
    name: 'two branches, one that runs and one in a backoff',
    waitedFor: true,
    status: 'waiting_tool',
    submission: {
      plan: {
        steps: [
          first(),
          call('held', 'do_compensatable', { does: 'hold', on_abort: 'finishes' }, { after: ['first'] }),
          call('again', 'do_compensatable', { does: 'back_off', ms: 60_000 }, { after: ['first'] }),
          call('after', 'do_pure', {}, { after: ['held', 'again'] }),
        ],
      },
    },
    reached: (stage, id) => stage.begun(id, 'held', 'again'),
    plain: { ...NOTHING, ...ABORTED },
    compensate: { status: 'compensated', undone: ['undo held', 'undo first'], ...ABORTED },
  },
];

const external = (tool: string) => during({ id: 'held', tool, parameters: {} });
const asked = (stage: Stage, id: string) =>
  eventually(async () => (await stage.session(id)).pending[0]?.tool_name.startsWith('theirs_') === true);

/** Programs of others know no claim and no signal: they are waited for until their deadline, unless it means nothing. */
const EXTERNAL: Cell[] = [
  {
    name: 'a pure tool of others',
    status: 'waiting_tool',
    submission: external('theirs_pure'),
    reached: asked,
    plain: NOTHING,
    compensate: FIRST_UNDONE,
  },
  {
    name: 'an idempotent tool of others that never answers',
    status: 'waiting_tool',
    submission: external('theirs_idempotent'),
    reached: asked,
    plain: NOTHING,
    compensate: FIRST_UNDONE,
  },
  {
    name: 'an irreversible tool of others that never answers',
    status: 'waiting_tool',
    submission: external('theirs_irreversible'),
    reached: asked,
    plain: { ...UNKNOWN, settled: NOTHING },
    compensate: { ...UNKNOWN, settled: FIRST_UNDONE },
  },
];
/** The file of DORMOUSE_EXTERNAL_TOOLS that these need. */
export const EXTERNAL_TOOLS = ['pure', 'idempotent', 'irreversible'].map((effect) => ({
  name: `theirs_${effect}`,
  description: 'nobody serves it',
  parameters: { type: 'object' },
  effect,
  timeoutMs: 2_000,
}));

/** What is being undone goes on being undone, and nothing is undone twice. */
const COMPENSATING: Cell[] = [
  {
    name: 'a compensation that runs',
    status: 'compensating',
    submission: {
      saga: true,
      plan: {
        steps: [
          first(),
          call('second', 'do_compensatable', { undo: 'hold', on_abort: 'pays_no_heed' }),
          call('failing', 'do_irreversible', { does: 'fail' }),
          after,
        ],
      },
    },
    reached: (stage, id) => stage.begun(id, 'undo second'),
    then: async (stage, id) => stage.open(id, 'undo second'),
    plain: { status: 'compensated', undone: ['undo first'] },
    compensate: FIRST_UNDONE,
    split: true,
  },
  {
    name: 'a compensation in a backoff',
    status: 'compensating',
    submission: {
      saga: true,
      plan: {
        steps: [
          first({ undo: 'back_off', ms: 300 }),
          call('failing', 'do_irreversible', { does: 'fail' }),
          after,
        ],
      },
    },
    reached: (stage, id) => stage.begun(id, 'undo first'),
    // it has ten attempts, and stands still then: a cancel is no reason to give up undoing
    plain: { status: 'parked', undone: NINE_TIMES, settled: { status: 'compensated' } },
    compensate: { status: 'parked', undone: NINE_TIMES, settled: { status: 'compensated' } },
  },
];

const heldCall = { id: 'held', tool: 'do_irreversible', parameters: { name: 'held' }, approval: true };

/** What nobody has approved is no intent yet: there is nothing to seal, and it never runs. */
const HELD: Cell[] = [
  {
    name: 'a call that waits for approval',
    status: 'waiting_approval',
    submission: during(heldCall),
    plain: NOTHING,
    compensate: FIRST_UNDONE,
    split: true,
  },
  {
    name: 'a call that waits for approval, as its tool asks',
    status: 'waiting_approval',
    submission: during(call('held', 'do_approved')),
    plain: NOTHING,
    compensate: FIRST_UNDONE,
  },
  {
    name: 'two branches, one that runs and one that waits for approval',
    waitedFor: true,
    status: 'waiting_tool',
    submission: {
      plan: {
        steps: [
          first(),
          call('held', 'do_compensatable', { does: 'hold', on_abort: 'finishes' }, { after: ['first'] }),
          { ...heldCall, id: 'asked', parameters: { name: 'asked' }, after: ['first'] },
          call('after', 'do_pure', {}, { after: ['held', 'asked'] }),
        ],
      },
    },
    reached: heldBegun,
    plain: { ...NOTHING, ...ABORTED },
    compensate: { status: 'compensated', undone: ['undo held', 'undo first'], ...ABORTED },
  },
];

/** What stands still for a person stops doing so. */
const PARKED: Cell[] = [
  {
    name: 'an unknown outcome',
    status: 'parked',
    submission: during(call('held', 'do_irreversible', { does: 'lose_track' })),
    plain: NOTHING,
    compensate: FIRST_UNDONE,
    split: true,
  },
  {
    name: 'a compensation that failed',
    status: 'parked',
    submission: {
      saga: true,
      plan: {
        steps: [
          first(),
          call('second', 'do_compensatable', { undo: 'fail' }),
          call('failing', 'do_irreversible', { does: 'fail' }),
          after,
        ],
      },
    },
    // what couldn't be undone is left as it is, and so is what was to be undone after it
    plain: NOTHING,
    // asked to undo, it waits on for whoever can say how
    compensate: { status: 'parked', settled: FIRST_UNDONE },
  },
];

/** What is cancelled for the second time: the first cancel has it stand still for a person. */
const CANCELLED: Cell[] = [
  {
    name: 'an unknown outcome that a cancel has left',
    status: 'parked',
    submission: holding('irreversible', 'is_cut'),
    reached: async (stage, id) => {
      await heldBegun(stage, id);
      await stage.cancel(id, false);
    },
    plain: { ...NOTHING, ...ABORTED },
    compensate: { ...FIRST_UNDONE, ...ABORTED },
    split: true,
  },
  {
    name: 'a compensation that failed after a cancel',
    status: 'parked',
    submission: {
      plan: {
        steps: [
          first(),
          call('second', 'do_compensatable', { undo: 'fail' }),
          { id: 'held', tool: 'wait', parameters: { ms: 600_000 } },
          after,
        ],
      },
    },
    reached: async (stage, id) => {
      await eventually(async () => (await stage.session(id)).pending[0]?.tool_name === 'wait');
      await stage.cancel(id, true);
    },
    // the undoing is given up
    plain: NOTHING,
    compensate: { status: 'parked', settled: FIRST_UNDONE },
  },
];

/** Every state in which a plan's session can be, beside those that need more than its tools. */
export const CELLS: readonly Cell[] = [
  ...WAITING,
  ...RUNNING,
  ...EXTERNAL,
  ...COMPENSATING,
  ...HELD,
  ...PARKED,
  ...CANCELLED,
];
