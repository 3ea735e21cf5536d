import {
  type Ack,
  DormouseError,
  type ErrorData,
  type HistoryEntry,
  type PendingIntent,
  type Snapshot,
  type StoredTimelineEntry,
} from '#contracts';
import { type ClaimStore, nextToken } from '#idempotency';
import { SPANS } from '#telemetry';
import type { Brain, Conclusion, Decision } from '../brain.js';
import type { CommanderFigures } from '../commander.figures.js';
import type { Effects, IgnoreReason } from '../core/effects.js';
import type { Input, Observation, SealedIntent } from '../core/input.js';
import { cancelledOutcome } from '../core/outcomes.js';
import { transition } from '../session.machine.js';
import type { ThinkingSessions } from '../thinking-sessions.js';
import { readyConclusion, readyDecision } from './ready-call.js';
import { fitConclusion, fitDecision } from './result-limit.js';
import type { StepTrace } from './step-trace.js';
import { Think, type ThinkScope } from './think.js';

export interface StepScope extends ThinkScope {
  claims: ClaimStore;
  thinking: ThinkingSessions;
  resultLimitBytes: number;
  retentionMs: number;
  figures: CommanderFigures;
  /** undefined: nobody follows the step */
  trace: StepTrace | undefined;
  /** of the commit: the outbox is published next, and waited for */
  ack: Ack;
}

export type StepEnd =
  /** written; what is to be published and forgotten now */
  | {
      kind: 'committed';
      snapshot: Snapshot;
      forget: readonly PendingIntent[];
      passedOver: IgnoreReason | undefined;
    }
  /** nothing to write */
  | { kind: 'ignored'; reason: IgnoreReason; republish: boolean }
  /** another commit came first, or a cancel while the brain was thinking: again, from the newer snapshot */
  | { kind: 'again' }
  /** there is no such session (any more) */
  | { kind: 'missing' };

/** One step of a session: asks the machine, does what it wants done, and writes all of it in one commit. */
export class Step {
  private readonly history: HistoryEntry[] = [];
  private readonly timeline: StoredTimelineEntry[] = [];
  private readonly forget: PendingIntent[] = [];

  constructor(
    private readonly scope: StepScope,
    private readonly brain: Brain,
    private readonly before: Snapshot,
    private now: number,
  ) {}

  async run(observation: Observation): Promise<StepEnd> {
    let input: Input | 'again' = { kind: 'observation', observation, thinksAfter: this.brain.thinksAfter };
    let current = this.before;
    for (;;) {
      const { snapshot, effects } = transition(current, input, this.now);
      current = snapshot;
      this.add(effects);
      const { next } = effects;
      switch (next.kind) {
        case 'ignore':
          return { kind: 'ignored', reason: next.reason, republish: next.republish };
        case 'commit':
          return this.commit(current, next.wakeAt, next.passedOver);
        case 'seal':
          input = { kind: 'sealed', answers: await this.seal(next.intents) };
          break;
        case 'think':
        case 'conclude':
          {
            const answer = this.ask(current, next.kind, next.kind === 'think' && next.resumed === true);
            input = answer instanceof Promise ? await answer : answer;
          }
          break;
      }
      if (input === 'again') return { kind: 'again' };
    }
  }

  private add({ history, timeline, forget }: Effects): void {
    this.history.push(...history);
    this.timeline.push(...timeline);
    this.forget.push(...forget);
  }

  private async commit(
    snapshot: Snapshot,
    wakeAt: number | null,
    passedOver: IgnoreReason | undefined,
  ): Promise<StepEnd> {
    const begun = performance.now();
    const reply = await this.scope.store.commit({
      token: nextToken(),
      expectedVersion: this.before.version,
      snapshot,
      history: this.history,
      timeline: this.timeline,
      wakeAt,
      ack: this.scope.ack,
    });
    this.scope.trace?.lap(SPANS.commit, begun);
    if (reply.kind === 'committed') return { kind: 'committed', snapshot, forget: this.forget, passedOver };
    return reply.kind === 'conflict' ? { kind: 'again' } : { kind: 'missing' };
  }

  /** One atomic write each; doing it again, after a crash or a conflict, finds them sealed. */
  private seal(intents: readonly PendingIntent[]): Promise<SealedIntent[]> {
    const outcome = cancelledOutcome(this.now);
    return Promise.all(
      intents.map(async ({ intent_id, digest }): Promise<SealedIntent> => {
        const key = { sessionId: this.before.session_id, intentId: intent_id };
        const reply = await this.scope.claims.seal(key, digest, outcome, this.scope.retentionMs);
        if (reply.kind === 'recorded') return { intent_id, kind: 'recorded', outcome: reply.outcome };
        return { intent_id, kind: reply.kind };
      }),
    );
  }

  /** Errors: those of the brain that are worth trying again, as they are */
  private ask(
    snapshot: Snapshot,
    what: 'think' | 'conclude',
    resumed: boolean,
  ): Input | 'again' | Promise<Input | 'again'> {
    const think = new Think(this.scope, snapshot, this.history, this.now, resumed);
    const begun = performance.now();
    try {
      const answer =
        what === 'think' ? this.brain.think(think) : (this.brain.conclude?.(think) ?? { calls: [] });
      if (answer instanceof Promise) return this.promised(what, answer, think, begun);
      this.thought(begun);
      return this.made(what, answer);
    } catch (error) {
      return this.failed(error, think, begun);
    }
  }

  private async promised(
    what: 'think' | 'conclude',
    answer: Promise<Decision | Conclusion>,
    think: Think,
    begun: number,
  ): Promise<Input | 'again'> {
    try {
      // what a session leaves behind is asked whether or not it is cancelled
      const promised = await (what === 'think' ? think.listed(this.scope.thinking, answer) : answer);
      this.thought(begun);
      if (think.cancelled) return 'again';
      // a model may have thought for minutes: what it wants done begins now
      this.now = Math.max(this.now, await this.scope.store.now());
      return this.made(what, promised);
    } catch (error) {
      return this.failed(error, think, begun);
    }
  }

  private failed(error: unknown, think: Think, begun: number): Input | 'again' {
    this.scope.trace?.lap(SPANS.think, begun, error);
    if (think.cancelled) return 'again';
    if (DormouseError.is(error) && error.retryable) throw error;
    if (think.interrupted) throw error;
    return { kind: 'think_failed', error: errorData(error) };
  }

  /** The brain has answered. */
  private thought(begun: number): void {
    const { figures, trace } = this.scope;
    figures.thinks.observe(this.brain.name, (performance.now() - begun) / 1_000);
    trace?.lap(SPANS.think, begun);
  }

  private made(what: 'think' | 'conclude', answer: Decision | Conclusion): Input {
    const { tools, resultLimitBytes } = this.scope;
    return what === 'think'
      ? { kind: 'decision', decision: readyDecision(fitDecision(answer, resultLimitBytes), tools, this.now) }
      : {
          kind: 'conclusion',
          conclusion: readyConclusion(fitConclusion(answer, resultLimitBytes), tools, this.now),
        };
  }
}

const errorData = (error: unknown): ErrorData =>
  DormouseError.is(error)
    ? error.toData()
    : {
        code: 'brain_failed',
        message: error instanceof Error ? error.message : String(error),
        retryable: false,
      };
