import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  ackBefore,
  type CloudEvent,
  EVENT_NAMES,
  type EventName,
  outboxEvents,
  type PendingIntent,
  type Snapshot,
  ToolCatalogue,
} from '#contracts';
import { ClaimStore } from '#idempotency';
import { hasExpired, Payloads, SessionStore } from '#state';
import { SPANS } from '#telemetry';
import { DeadLetterError, EventClient, orDeadLetter } from '#transport';
import { Brains } from './brains/brains.js';
import { CommanderFigures } from './commander.figures.js';
import {
  COMMANDER_OPTIONS,
  type CommanderOptions,
  DEFAULT_INLINE_LIMIT_BYTES,
  DEFAULT_RESULT_LIMIT_BYTES,
} from './commander.options.js';
import type { IgnoreReason } from './core/effects.js';
import { isOurs, readObservation, sessionIdOf } from './interpreter/observation.js';
import { Step, type StepEnd, type StepScope } from './interpreter/step.js';
import { StepTrace } from './interpreter/step-trace.js';
import { PublishedSteps } from './published-steps.js';
import { ThinkingSessions } from './thinking-sessions.js';

/** What people say counts when it was accepted here, in a session's inbox. */
const ACCEPTED_ONLY: ReadonlySet<EventName> = new Set([EVENT_NAMES.userMessage, EVENT_NAMES.approval]);

/** How often each thing has happened in this process. */
export interface CommanderCounts {
  /** steps committed */
  steps: number;
  /** steps done again from a newer snapshot */
  conflicts: number;
  /** observations of ours whose session isn't in the store any more */
  expired: number;
  /** observations of others for sessions that aren't ours, and messages and approvals of others */
  foreign: number;
  /** observations that changed nothing, by reason */
  ignored: Record<IgnoreReason, number>;
}

/** Performs what the session machine says: wake, load, think, commit, publish. Keeps nothing of a session between two steps. */
@Injectable()
export class CommanderService {
  readonly counts: CommanderCounts = {
    steps: 0,
    conflicts: 0,
    expired: 0,
    foreign: 0,
    ignored: {
      ended: 0,
      duplicate: 0,
      not_pending: 0,
      unattributable: 0,
      not_due: 0,
      not_awaited: 0,
      not_begun: 0,
      not_asked: 0,
    },
  };
  readonly figures = new CommanderFigures();
  private readonly logger = new Logger('Commander');
  private readonly published = new PublishedSteps();
  private readonly payloads: Payloads;
  private readonly resultLimitBytes: number;

  constructor(
    private readonly store: SessionStore,
    private readonly claims: ClaimStore,
    private readonly client: EventClient,
    private readonly tools: ToolCatalogue,
    private readonly brains: Brains,
    private readonly thinking: ThinkingSessions,
    @Inject(COMMANDER_OPTIONS) private readonly options: CommanderOptions,
  ) {
    this.payloads = new Payloads(store, options.inlineLimitBytes ?? DEFAULT_INLINE_LIMIT_BYTES);
    this.resultLimitBytes = options.resultLimitBytes ?? DEFAULT_RESULT_LIMIT_BYTES;
  }

  /**
   * Applies one observation; resolves when nothing is left to do for it, so that its record can be acknowledged.
   *
   * Errors: {@link DeadLetterError} (nobody can apply it); `unavailable`, `store_emptied`, and what a brain finds worth trying again, both
   * retryable: deliver it again.
   */
  async observe(name: EventName, event: CloudEvent, stopped: () => AbortSignal): Promise<void> {
    const begun = performance.now();
    const { tracing } = this.options;
    if (ACCEPTED_ONLY.has(name) && !isOurs(event, this.options.events.deployment)) {
      this.counts.foreign += 1;
      return;
    }
    const whole =
      event.dataref === undefined ? event : await orDeadLetter(this.payloads.unpack(event), ['payload_lost']);
    const { deployment } = this.options.events;
    const { resultLimitBytes } = this;
    const observation = readObservation(name, whole, { deployment, resultLimitBytes });
    const sessionId = sessionIdOf(whole);
    let guess = this.guess(sessionId);
    for (;;) {
      const before = guess ?? (await this.store.load(sessionId));
      if (before === null) {
        if (await this.isNobodys(sessionId, whole)) return;
        continue;
      }
      const now = Math.max(await this.store.now(), before.updated_at);
      const trace = tracing === undefined ? undefined : new StepTrace(tracing, whole, before);
      const step = new Step(this.scope(stopped, trace), this.brains.of(before.fixed.brain), before, now);
      const running = step.run(observation);
      const end = await (trace === undefined ? running : failing(trace, running));
      if (guess !== undefined && end.kind !== 'committed') {
        // only a commit tells that it was right
        guess = undefined;
        continue;
      }
      switch (end.kind) {
        case 'committed':
          this.counts.steps += 1;
          this.figures.committed(before, end.snapshot);
          await (trace === undefined
            ? this.publishOutbox(end.snapshot)
            : this.publishTold(trace, end.snapshot));
          this.figures.steps.observe(before.fixed.brain, (performance.now() - begun) / 1_000);
          this.forget(sessionId, end.forget);
          if (end.passedOver !== undefined) this.ignored(end.passedOver, whole);
          return;
        case 'ignored':
          if (end.republish && !this.published.has(before)) await this.publishOutbox(before);
          this.ignored(end.reason, whole);
          return;
        case 'missing':
          if (await this.isNobodys(sessionId, whole)) return;
          break;
        case 'again':
          this.counts.conflicts += 1;
      }
    }
  }

  /** A snapshot that needs no reading, if nothing is lost but a moment when it isn't the latest. */
  private guess(sessionId: string): Snapshot | undefined {
    const recent = this.store.lastSeen(sessionId);
    return recent !== undefined && this.brains.of(recent.fixed.brain).cheap === true ? recent : undefined;
  }

  private scope(stopped: () => AbortSignal, trace: StepTrace | undefined): StepScope {
    const { store, claims, tools, thinking, resultLimitBytes, figures } = this;
    return {
      store,
      claims,
      tools,
      thinking,
      resultLimitBytes,
      stopped,
      figures,
      trace,
      retentionMs: this.options.retentionMs,
      ack: ackBefore(store.capabilities, this.client.log),
    };
  }

  /** Errors: {@link DeadLetterError} `unattributable` */
  private ignored(reason: IgnoreReason, event: CloudEvent): void {
    this.counts.ignored[reason] += 1;
    if (reason === 'unattributable') throw unattributable(event);
  }

  private async publishTold(trace: StepTrace, snapshot: Snapshot): Promise<void> {
    try {
      await trace.timed(SPANS.publish, () => this.publishOutbox(snapshot));
    } finally {
      trace.committed(snapshot);
    }
  }

  private async publishOutbox(snapshot: Snapshot): Promise<void> {
    const events = outboxEvents(this.options.events, snapshot);
    const packed = this.payloads.fits(events)
      ? events
      : await this.payloads.pack(snapshot.session_id, events);
    await this.client.publish(this.options.topics.intent, packed);
    this.published.add(snapshot);
  }

  /** Nobody waits for it: a claim that stays has an end of its own, and an outcome that nobody asks for any more. */
  private forget(sessionId: string, intents: readonly PendingIntent[]): void {
    if (intents.length === 0) return;
    const keys = intents.map(({ intent_id }) => ({ sessionId, intentId: intent_id }));
    this.claims
      .forget(keys)
      .catch((error: unknown) => this.logger.debug(`claims of ${sessionId} stay: ${String(error)}`));
  }

  /** Of a session that wasn't found: foreign, or expired; false when it is there after all. Errors: `store_emptied` */
  private async isNobodys(sessionId: string, event: CloudEvent): Promise<boolean> {
    const ours = isOurs(event, this.options.events.deployment);
    if (ours && !(await hasExpired(this.store, sessionId))) return false;
    this.counts[ours ? 'expired' : 'foreign'] += 1;
    return true;
  }
}

const failing = async (trace: StepTrace, running: Promise<StepEnd>): Promise<StepEnd> => {
  try {
    return await running;
  } catch (error) {
    trace.failed(error);
    throw error;
  }
};

const unattributable = (event: CloudEvent): DeadLetterError =>
  new DeadLetterError(
    'unattributable',
    `${event.id} names no intent_id, and its session doesn't wait for exactly one intent, of an external tool of that name.`,
  );
