import {
  type CloudEvent,
  deadLetterEvent,
  DEFAULT_TYPE_PREFIX,
  DormouseError,
  type EventContext,
  isTerminal,
  type Json,
  type Outcome,
  newSpanId,
  newTraceId,
  type OutcomeStatus,
  type PendingIntent,
  type PlanStep,
  RECORD_VERSION,
  redrivenEvent,
  repeatable,
  RESOLUTIONS,
  type Snapshot,
  type StuckIntent,
  type Submission,
  timerEvent,
} from '#contracts';
import type { Brain, Call, Decision, ThinkContext } from '#commander';
import { nextToken } from '#idempotency';
import { eventually } from '#testing';
import { DeadLetterError } from '#transport';
import { type CommanderRig, TENANT } from '../commander/commander-rig.js';

export const events: EventContext = {
  source: '/commander/test',
  typePrefix: DEFAULT_TYPE_PREFIX,
  deployment: 'test',
};

const STEP_TOOLS = ['look', 'save', 'pay', 'book', 'ask', 'poll', 'sign'];
const POLICIES = ['park', 'skip', 'retry'] as const;

type Random = () => number;
const pick = <T>(random: Random, of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
const chance = (random: Random, of: number): boolean => random() < of;

const outcomeOf = (status: OutcomeStatus, result: Json, at: number): Outcome => ({
  status,
  result: status === 'succeeded' ? result : null,
  error: status === 'succeeded' ? null : { code: 'tool_failed', message: `told ${status}`, retryable: false },
  attempts: 1,
  started_at: new Date(at).toISOString(),
  duration_ms: 3,
});

const planStep = (random: Random, place: number): PlanStep => {
  const after = chance(random, 0.6)
    ? undefined
    : [...new Set(Array.from({ length: 2 }, () => Math.floor(random() * place)))]
        .filter((p) => p < place)
        .map((p) => `s${p}`);
  const before = after?.[0] ?? (after === undefined && place > 0 ? `s${place - 1}` : undefined);
  return {
    id: `s${place}`,
    tool: pick(random, STEP_TOOLS),
    ...(after === undefined ? {} : { after }),
    ...(chance(random, 0.3) && before !== undefined
      ? { parameters: { x: { $ref: before, pointer: '/v' } } }
      : {}),
    ...(chance(random, 0.2) ? { compensation: { tool: 'unbook', parameters: { of: place } } } : {}),
    ...(chance(random, 0.5) ? { on_compensation_failure: pick(random, POLICIES) } : {}),
    ...(chance(random, 0.25) ? { approval: true } : {}),
  };
};

/** A brain as a model is one: it waits for every result, says something each time, and sometimes answers itself. */
export class Talker implements Brain {
  readonly name = 'openai';
  readonly thinksAfter = 'all';
  constructor(private readonly random: Random) {}

  unavailable(): undefined {
    return undefined;
  }

  async think({ snapshot, now }: ThinkContext): Promise<Decision> {
    const { random } = this;
    await Promise.resolve();
    const usage = { input_tokens: Math.floor(random() * 100), output_tokens: 7 };
    const mayAsk = snapshot.fixed.submission.ask_user === true;
    const message = { says: `turn ${snapshot.step}`, n: random() };
    if (chance(random, 0.1)) throw new DormouseError('brain_failed', 'refuses');
    if (chance(random, 0.2))
      return {
        calls: [],
        message,
        usage,
        answered: [{ tool: 'nope', call: `call_${snapshot.step}`, outcome: outcomeOf('failed', null, now) }],
      };
    if (chance(random, 0.3) || snapshot.step > 6)
      return { calls: [], message, usage, finish: { kind: 'completed', result: { text: 'done' } } };
    const ask = { ask: { call: `call_${snapshot.step}_q`, content: 'Which?' } };
    if (mayAsk && chance(random, 0.3)) return { calls: [], message, usage, ...ask };
    const calls = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i): Call => ({
      tool: pick(random, STEP_TOOLS),
      parameters: { i },
      call: `call_${snapshot.step}_${i}`,
    }));
    return { calls, message, usage, ...(mayAsk && chance(random, 0.3) ? ask : {}) };
  }
}

/** One session that lives at random on a rig; all that it is told is in `told`, beside what the rig's log has. */
export class RandomSession {
  readonly told: CloudEvent[] = [];
  private constructor(
    private readonly rig: CommanderRig,
    private readonly random: Random,
    private readonly clock: { now(): number; advance(ms: number): Promise<void> },
    readonly id: string,
  ) {}

  static async submit(
    rig: CommanderRig,
    random: Random,
    clock: { now(): number; advance(ms: number): Promise<void> },
  ): Promise<RandomSession> {
    const submission: Submission = {
      ...(chance(random, 0.3)
        ? { input: 'How are you? 你好', ask_user: chance(random, 0.5) }
        : {
            plan: {
              steps: Array.from({ length: 1 + Math.floor(random() * 6) }, (_, i) => planStep(random, i)),
            },
            saga: chance(random, 0.6),
          }),
      ...(chance(random, 0.3) ? { deadline: new Date(clock.now() + 60_000).toISOString() } : {}),
      ...(chance(random, 0.3) ? { limits: { tool_calls: 3, steps: 5 } } : {}),
      ...(chance(random, 0.3) ? { metadata: { of: 'test' } } : {}),
    };
    const caller = { traceId: newTraceId(), spanId: newSpanId(), sampled: chance(random, 0.5), state: 'a=b' };
    const { snapshot } = await rig.sessions.submit(submission, {
      ...TENANT,
      ...(chance(random, 0.3) ? { idempotencyKey: `key-${random()}` } : {}),
      ...(chance(random, 0.3) ? { caller } : {}),
    });
    return new RandomSession(rig, random, clock, snapshot.session_id);
  }

  /** Something happens to it; false when it has ended. */
  async happen(): Promise<boolean> {
    const { rig, random, clock } = this;
    await clock.advance(1 + Math.floor(random() * 50));
    const snapshot = await rig.load(this.id);
    if (isTerminal(snapshot.status)) return false;
    if (snapshot.status === 'queued') {
      await rig.deliver(this.id, 'observation.session_created');
      if (chance(random, 0.9)) return true;
    }
    const drawn = random();
    if (chance(random, snapshot.question === undefined ? 0.15 : 0.5)) await this.write();
    if (drawn < 0.05) await this.cancel();
    else if (drawn < 0.1) await rig.deliver(this.id, 'observation.session_created');
    else if (drawn < 0.15) await this.timer(snapshot);
    else if (snapshot.stuck !== undefined && drawn < 0.6) await this.settle(pick(random, snapshot.stuck));
    else if (snapshot.held !== undefined && drawn < 0.5) await this.approve(pick(random, snapshot.held));
    else if (snapshot.inbox !== undefined) await this.deliverSent(snapshot);
    else if (drawn < 0.2) await this.die(snapshot);
    else await this.answer(snapshot);
    return true;
  }

  /** The flag, and the cancel in the log; its delivery may come later. */
  private async cancel(): Promise<void> {
    const compensate = chance(this.random, 0.5);
    await this.rig.sessions
      .cancel(this.id, { ...TENANT, compensate, reason: 'told so' })
      .catch(() => undefined);
    if (chance(this.random, 0.5)) await this.deliverCancel();
  }

  private async deliverCancel(): Promise<void> {
    const cancel = this.rig.observations.find((e) => e.id === `${this.id}.cancel`);
    if (cancel !== undefined) await this.rig.observe(cancel);
  }

  /** A person answers; the delivery of the answer may come later. */
  private async settle({ intent }: StuckIntent): Promise<void> {
    const { rig, random } = this;
    const outcome = pick(random, RESOLUTIONS);
    await rig.inbox
      .resolve(
        this.id,
        intent.intent_id,
        {
          outcome,
          by: 'ann',
          reason: 'looked',
          ...(outcome === 'succeeded' ? { result: { v: 1 } } : {}),
          ...(outcome === 'retry' && chance(random, 0.5) ? { parameters: { again: true } } : {}),
        },
        { ...TENANT, ...(chance(random, 0.5) ? { idempotencyKey: 'k' } : {}) },
      )
      .catch(() => undefined);
    if (chance(random, 0.7)) await this.deliverSent(await rig.load(this.id));
  }

  /** A person writes; the delivery may come later, and in another order. */
  private async write(): Promise<void> {
    const { rig, random } = this;
    const key = chance(random, 0.5) ? { idempotencyKey: `key-${Math.floor(random() * 5)}` } : {};
    await rig.inbox
      .message(this.id, { content: `words ${random()}` }, { ...TENANT, ...key })
      .catch(() => undefined);
    const { inbox = [], ...rest } = await rig.load(this.id);
    if (chance(random, 0.4)) await this.deliverSent({ ...rest, inbox: inbox.slice(-1) });
  }

  /** A person answers for a held call; a second one has another opinion. */
  private async approve({ intent_id, digest }: PendingIntent): Promise<void> {
    const { rig, random } = this;
    for (const by of chance(random, 0.2) ? ['ann', 'bob'] : ['ann'])
      await rig.inbox
        .approve(
          this.id,
          intent_id,
          {
            decision: chance(random, 0.7) ? 'approve' : 'reject',
            by,
            ...(chance(random, 0.5) ? { reason: 'looked' } : {}),
            ...(chance(random, 0.5) ? { digest } : {}),
          },
          { ...TENANT, ...(chance(random, 0.5) ? { idempotencyKey: 'k' } : {}) },
        )
        .catch(() => undefined);
    if (chance(random, 0.7)) await this.deliverSent(await rig.load(this.id));
  }

  private async deliverSent({ inbox = [] }: Snapshot): Promise<void> {
    for (const { id } of inbox)
      await this.rig.observe(await eventually(() => this.rig.observations.find((e) => e.id === id)));
  }

  /** A record of it becomes a dead letter, or one of its dead letters is published again. */
  private async die({ session_id, pending, dead, fixed }: Snapshot): Promise<void> {
    const { random, clock } = this;
    const at = clock.now();
    const letter = {
      v: RECORD_VERSION,
      key: session_id,
      headers: {},
      ours: true,
      id: dead?.letters[0]?.id ?? `letter-${random()}`,
      reason: 'intent_conflict',
      error: 'told so',
      topic: 'agent.intent',
      partition: 0,
      offset: 0,
      deliveries: 1,
      attempts: 0,
      at,
      tenant: fixed.tenant,
      session_id,
      event_id: pending[0]?.intent_id ?? 'nothing',
      ...(pending[0] === undefined ? {} : { intent_id: pending[0].intent_id }),
    };
    if (dead === undefined) await this.tell(deadLetterEvent(events, letter, fixed.trace_id));
    else await this.tell(redrivenEvent(events, letter, { at, by: 'a person' }, fixed.trace_id));
  }

  private async timer(snapshot: Snapshot): Promise<void> {
    const { clock, random } = this;
    const external = snapshot.pending.find((p) => p.external === true);
    if (external === undefined && snapshot.fixed.deadline_at === undefined) return;
    if (chance(random, 0.7)) await clock.advance(61_000);
    const id = external === undefined ? 'deadline' : `intent:${external.intent_id}`;
    await this.tell(timerEvent(events, snapshot, id, clock.now()));
  }

  private async answer(snapshot: Snapshot): Promise<void> {
    const { rig, random } = this;
    const intent = snapshot.pending[Math.floor(random() * snapshot.pending.length)];
    if (intent === undefined) return this.deliverCancel();
    if (chance(random, 0.2)) return this.claim(snapshot, intent);
    const event = rig.result(snapshot, intent, this.outcome(intent));
    const data = event.data as { digest?: string };
    if (chance(random, 0.03)) data.digest = 'of something else';
    if (intent.external === true && chance(random, 0.5)) {
      // as a program of others would
      delete event.deploymentid;
      event.source = '/worker';
      // or as one does that says no more than it has to
      if (chance(random, 0.5)) event.data = { session_id: this.id, status: 'succeeded', result: 1 };
    }
    await this.tell(event);
    if (chance(random, 0.1)) await this.tell(event);
  }

  /** A dispatcher has begun it: a seal finds it started, or recorded. */
  private async claim(snapshot: Snapshot, intent: PendingIntent): Promise<void> {
    const { claims } = this.rig;
    const key = { sessionId: snapshot.session_id, intentId: intent.intent_id };
    const token = nextToken();
    const { digest } = intent;
    if ((await claims.claim({ ...key, digest, token, leaseMs: 600_000 })).kind !== 'claimed') return;
    await claims.start(key, token);
    if (chance(this.random, 0.5)) await claims.record(key, token, this.outcome(intent), 600_000);
  }

  private outcome(intent: PendingIntent): Outcome {
    const { random, clock } = this;
    const drawn = pick<OutcomeStatus>(random, [
      ...Array<OutcomeStatus>(8).fill('succeeded'),
      'failed',
      'unknown',
    ]);
    const status = drawn === 'unknown' && repeatable(intent.effect) ? 'failed' : drawn;
    return outcomeOf(status, { v: Math.floor(random() * 10) }, clock.now());
  }

  private async tell(event: CloudEvent): Promise<void> {
    this.told.push(event);
    await this.rig.observe(event).catch((error: unknown) => {
      if (!DeadLetterError.is(error)) throw error;
    });
  }
}
