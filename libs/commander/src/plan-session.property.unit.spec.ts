import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type EffectClass,
  isTerminal,
  type Outcome,
  type OutcomeStatus,
  type PlanStep,
  repeatable,
  RESOLUTIONS,
  TERMINAL_STATUSES,
} from '#contracts';
import { NamedTools } from '#testing';
import { PlanBrain } from './brains/plan/plan.brain.js';
import type { SealedIntent } from './core/input.js';
import { nextWake } from './core/next-wake.js';
import { SessionPlay } from './play/session-play.js';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['RUNS'] ?? 400);

const tools = new NamedTools([
  { name: 'pure', effect: 'pure' },
  { name: 'idempotent', effect: 'idempotent' },
  { name: 'compensatable', effect: 'compensatable', compensation: 'undo' },
  { name: 'bare', effect: 'compensatable' },
  { name: 'irreversible', effect: 'irreversible' },
  { name: 'undo', effect: 'idempotent' },
]);
const TOOLS = ['pure', 'idempotent', 'compensatable', 'bare', 'irreversible'];

/** Any graph without cycles: a step follows some of those above it. */
const plans = fc
  .array(
    fc.record({
      tool: fc.constantFrom(...TOOLS),
      follows: fc.array(fc.nat(11), { maxLength: 3 }),
      byPlace: fc.boolean(),
      refers: fc.boolean(),
      explicit: fc.boolean(),
      policy: fc.constantFrom(undefined, 'park' as const, 'skip' as const, 'retry' as const),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((drawn) =>
    drawn.map(({ tool, follows, byPlace, refers, explicit, policy }, place): PlanStep => {
      const after = byPlace ? undefined : [...new Set(follows.filter((p) => p < place))].map((p) => `s${p}`);
      const before = after?.[0] ?? (after === undefined && place > 0 ? `s${place - 1}` : undefined);
      return {
        id: `s${place}`,
        tool,
        ...(after === undefined ? {} : { after }),
        ...(refers && before !== undefined ? { parameters: { x: { $ref: before, pointer: '/v' } } } : {}),
        ...(explicit ? { compensation: { tool: 'undo', parameters: { of: { $ref: `s${place}` } } } } : {}),
        ...(policy === undefined ? {} : { on_compensation_failure: policy }),
      };
    }),
  );

/** What happens to a session, one after the other: numbers choose among what can happen at that moment. */
const events = fc.array(
  fc.record({
    pick: fc.nat(),
    status: fc.constantFrom<OutcomeStatus>(
      'succeeded',
      'succeeded',
      'succeeded',
      'succeeded',
      'succeeded',
      'failed',
      'unknown',
    ),
    twist: fc.constantFrom(
      'none',
      'none',
      'none',
      'none',
      'none',
      'none',
      'duplicate',
      'cancel',
      'deadline',
      'stale',
      'resolve',
      'resolve',
    ),
  }),
  { maxLength: 60 },
);

const sealings = fc.array(fc.constantFrom<SealedIntent['kind']>('sealed', 'started', 'recorded'), {
  minLength: 1,
  maxLength: 5,
});

interface Draw {
  steps: PlanStep[];
  happens: { pick: number; status: OutcomeStatus; twist: string }[];
  seals: SealedIntent['kind'][];
  saga: boolean;
  compensate: boolean;
  deadline: boolean;
}

const expectThat = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

class Run {
  readonly session: SessionPlay;
  private sealed = 0;
  private wasTerminal = false;
  private emittedWhenEnding = 0;
  private timers = 0;

  constructor(private readonly draw: Draw) {
    this.session = new SessionPlay({
      submission: {
        plan: { steps: draw.steps },
        saga: draw.saga,
        ...(draw.deadline ? { deadline: new Date(1_000_020).toISOString() } : {}),
      },
      brain: new PlanBrain(),
      tools,
      seal: () => {
        const kind = draw.seals[this.sealed++ % draw.seals.length] ?? 'sealed';
        return kind === 'recorded' ? { kind, outcome: this.outcome('succeeded') } : { kind };
      },
    });
  }

  outcome(status: OutcomeStatus): Outcome {
    return {
      status,
      result: status === 'succeeded' ? { v: 1 } : null,
      error: status === 'succeeded' ? null : { code: 'x', message: 'x', retryable: false },
      attempts: 1,
      started_at: '',
      duration_ms: 1,
    };
  }

  /** Only what may have an unknown outcome can have one. */
  statusOf(intentId: string, status: OutcomeStatus): OutcomeStatus {
    const effect: EffectClass = this.session.emitted.find((i) => i.intent_id === intentId)?.effect ?? 'pure';
    return status === 'unknown' && repeatable(effect) ? 'failed' : status;
  }

  async happen({ pick, status, twist }: Draw['happens'][number]): Promise<void> {
    const { session } = this;
    session.now += 1;
    const { pending } = session.snapshot;
    const done = session.emitted.filter((i) => !pending.some((p) => p.intent_id === i.intent_id));
    const some = <T>(of: T[]): T | undefined => of[pick % Math.max(of.length, 1)];
    if (twist === 'cancel') await this.check(() => session.cancel(this.draw.compensate));
    else if (twist === 'deadline') {
      const id = `timer${this.timers++}`;
      await this.check(() => session.observe({ type: 'timer', id, timer_id: 'deadline' }));
    } else if (twist === 'resolve') {
      const stuck = some(session.snapshot.stuck ?? []);
      if (stuck === undefined) return;
      const { intent_id, compensates } = stuck.intent;
      const outcome = RESOLUTIONS[pick % 3] ?? 'failed';
      const retries = outcome === 'retry';
      // nothing is run again in a session that is ending but what undoes something
      const refused = retries && compensates === undefined && session.snapshot.ending !== undefined;
      await this.check(
        () =>
          session.resolve(intent_id, { outcome, ...(outcome === 'succeeded' ? { result: { v: 1 } } : {}) }),
        refused ? 'ignored' : 'committed',
      );
    } else if (twist === 'duplicate') await this.check(() => session.start());
    else if (twist === 'stale') {
      const old = some(done);
      if (old !== undefined)
        await this.check(() => session.answer(old.intent_id, this.outcome(status)), 'ignored');
    } else {
      const intent = some(pending);
      if (intent !== undefined)
        await this.check(
          () => session.answer(intent.intent_id, this.outcome(this.statusOf(intent.intent_id, status))),
          'committed',
        );
    }
  }

  /** What holds after every step. */
  async check(step: () => Promise<'committed' | 'ignored'>, ends?: 'committed' | 'ignored'): Promise<void> {
    const { session } = this;
    const before = session.snapshot;
    const wasEnding = before.ending !== undefined;
    if (!wasEnding) this.emittedWhenEnding = session.emitted.length;
    const came = await step();
    const { snapshot, timeline } = session;
    expectThat(
      ends === undefined || came === ends,
      `expected the step to be ${String(ends)}, it was ${came}`,
    );
    expectThat(!this.wasTerminal || came === 'ignored', 'something followed the end');
    expectThat(came === 'ignored' || snapshot.version === before.version + 1, 'a step is one version');
    expectThat(
      timeline.every((e, i) => e.seq === i + 1),
      'the timeline has a gap',
    );
    expectThat(snapshot.timeline_seq === timeline.length, 'timeline_seq is not the last seq');
    expectThat(
      new Set(session.history.map((e) => e.key)).size === session.history.length,
      'a history key is there twice',
    );
    const applied = session.history.flatMap((e) =>
      e.kind === 'observation' && !e.key.startsWith('settled:') ? [e.intent_id] : [],
    );
    expectThat(new Set(applied).size === applied.length, 'an intent was applied twice');
    const ids = session.emitted.map((i) => i.intent_id);
    expectThat(new Set(ids).size === ids.length, 'an intent id was emitted twice');
    if (wasEnding)
      expectThat(
        session.emitted.slice(this.emittedWhenEnding).every((i) => i.compensates !== undefined),
        'something new was emitted while the session was ending',
      );
    expectThat(
      !snapshot.pending.some((i) => i.compensates !== undefined) ||
        snapshot.pending.every((i) => i.compensates !== undefined),
      'undoing began while a step was still under way',
    );
    const terminal = isTerminal(snapshot.status);
    const wake = nextWake(snapshot, session.now);
    expectThat((wake === null) === terminal && wake !== Infinity, 'an unfinished session has no wake-up');
    expectThat(
      snapshot.stuck === undefined || (snapshot.stuck.length > 0 && !terminal),
      'an ended session, or an empty list, is stuck',
    );
    const waited = new Set(
      [...(snapshot.stuck ?? []).map((s) => s.intent), ...snapshot.pending].map((i) => i.intent_id),
    );
    expectThat(
      waited.size === (snapshot.stuck?.length ?? 0) + snapshot.pending.length,
      'an intent is stuck and pending',
    );
    if (terminal || snapshot.status === 'parked')
      expectThat(snapshot.pending.length === 0, 'it ended with something pending');
    else
      expectThat(
        snapshot.pending.length > 0 || snapshot.status === 'queued',
        'it sleeps with nothing to wake it',
      );
    if (terminal) {
      const last = timeline.at(-1);
      expectThat(
        last?.type === 'status' && last.payload['status'] === snapshot.status,
        'the last entry is not the end',
      );
      this.wasTerminal = true;
    }
  }

  /** Whatever is pending has a good end from here on. */
  async finish(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      const [first] = this.session.snapshot.pending;
      if (first === undefined) break;
      await this.check(() => this.session.answer(first.intent_id, this.outcome('succeeded')), 'committed');
    }
    const { status } = this.session.snapshot;
    expectThat(status === 'parked' || isTerminal(status), `it doesn't end: ${status}`);
  }

  /** What holds at the end. */
  judge(): void {
    const { session, draw } = this;
    const { status } = session.snapshot;
    const ended = new Map(
      session.history.flatMap((e) => (e.kind === 'observation' ? [[e.key, e] as const] : [])),
    );
    const undoing = session.emitted.filter((i) => i.compensates !== undefined);
    const asked = draw.saga || draw.compensate;
    expectThat(asked || undoing.length === 0, 'undone, though nobody asked for it');
    if (status === 'completed') {
      expectThat(
        draw.steps.every((s) => ended.get(`step:${s.id}`)?.outcome.status === 'succeeded'),
        'completed, but not all succeeded',
      );
      expectThat(undoing.length === 0, 'completed and undone');
    }
    const undoingEnded = (id: string, ...as: OutcomeStatus[]) =>
      session.history.some(
        (e) =>
          e.kind === 'observation' && as.includes(e.outcome.status) && e.call?.split('#')[0] === `undo:${id}`,
      );
    const undone = (id: string) => undoingEnded(id, 'succeeded');
    const canBeUndone = (s: PlanStep) => s.compensation !== undefined || s.tool === 'compensatable';
    if (status === 'compensated') {
      expectThat(
        draw.steps.some((s) => undone(s.id)),
        'compensated, though nothing was undone',
      );
      for (const s of draw.steps) {
        const outcome = ended.get(`step:${s.id}`)?.outcome.status;
        if ((outcome === 'succeeded' || outcome === 'unknown') && canBeUndone(s))
          // only a person's giving up cancels one
          expectThat(
            undoingEnded(s.id, 'succeeded', 'cancelled') || s.on_compensation_failure === 'skip',
            `${s.id} was not undone`,
          );
      }
    }
    for (const { compensates } of undoing) {
      const of = [...ended.values()].find((e) => e.intent_id === compensates);
      expectThat(
        of !== undefined && ['succeeded', 'unknown'].includes(of.outcome.status),
        'something was undone that was not done',
      );
    }
    this.judgeOrder(draw.steps);
    const unclear = [...ended.values()].some(
      (e) => e.key.startsWith('step:') && e.outcome.status === 'unknown',
    );
    expectThat(!unclear || status !== 'completed', 'an unknown outcome was taken for a success');
    expectThat(status === 'parked' || TERMINAL_STATUSES.some((s) => s === status), `ended as ${status}`);
  }

  /** A step comes after those that it follows; its undoing comes before theirs. */
  private judgeOrder(steps: readonly PlanStep[]): void {
    const { timeline } = this.session;
    const seqs = (type: string, call: string) =>
      timeline
        .filter((e) => e.type === type && (e.payload['call'] as string | undefined)?.split('#')[0] === call)
        .map((e) => e.seq);
    steps.forEach((step, place) => {
      const follows = step.after ?? (place === 0 ? [] : [`s${place - 1}`]);
      for (const earlier of follows) {
        const begun = seqs('intent', `step:${step.id}`)[0];
        const ready = seqs('observation', `step:${earlier}`)[0];
        expectThat(
          begun === undefined || (ready !== undefined && ready < begun),
          `${step.id} ran before ${earlier} had`,
        );
        const undoes = seqs('intent', `undo:${earlier}`)[0];
        const was = seqs('observation', `undo:${step.id}`).at(-1);
        expectThat(
          undoes === undefined || was === undefined || was < undoes,
          `${earlier} was undone before ${step.id}`,
        );
      }
    });
  }
}

describe('any plan, with any outcomes in any order', () => {
  it(`keeps what the protocol promises (SEED=${seed} RUNS=${runs})`, async () => {
    const draws = fc.record({
      steps: plans,
      happens: events,
      seals: sealings,
      saga: fc.boolean(),
      compensate: fc.boolean(),
      deadline: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const run = new Run(draw);
        if (draw.happens[0]?.twist !== 'cancel') await run.check(() => run.session.start(), 'committed');
        for (const event of draw.happens) await run.happen(event);
        if (run.session.snapshot.status === 'queued') await run.check(() => run.session.start());
        await run.finish();
        run.judge();
      }),
      { seed, numRuns: runs },
    );
  });
});
