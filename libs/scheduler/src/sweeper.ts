import { type CloudEvent, ToolCatalogue } from '#contracts';
import { ClaimStore } from '#idempotency';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Payloads, SessionStore, type Wake } from '#state';
import { EventClient } from '#transport';
import { dueWork } from './due.machine.js';
import { SCHEDULER_OPTIONS, type SchedulerOptions } from './scheduler.options.js';

const DEFAULT_POLL_MS = 100;
/** Sessions looked at in one go: enough that a backlog of due ones is worked off in batches, not one by one. */
const AT_ONCE = 500;
const AFTER_AN_ERROR_MS = 1000;
const EXPIRE_EVERY_MS = 60_000;
const EXPIRE_AT_ONCE = 1000;

export interface SweeperStats {
  /** wake-ups that were due */
  swept: number;
  /** events that it published again */
  published: number;
  /** how late the latest one was, ms */
  latenessMs: number;
}

/**
 * Looks at every wake-up that is due: publishes first, then moves the entry on if it is unchanged; it never deletes the
 * entry of an unfinished session. One timer for the whole process. Any number of them may sweep the same store.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Sweeper');
  private readonly payloads: Payloads;
  private readonly counts: SweeperStats = { swept: 0, published: 0, latenessMs: 0 };
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;
  private stopped = false;
  private expiredAt = 0;

  constructor(
    private readonly sessions: SessionStore,
    private readonly claims: ClaimStore,
    private readonly client: EventClient,
    private readonly tools: ToolCatalogue,
    @Inject(SCHEDULER_OPTIONS) private readonly options: SchedulerOptions,
  ) {
    this.payloads = new Payloads(sessions, options.inlineLimitBytes);
  }

  get stats(): Readonly<SweeperStats> {
    return this.counts;
  }

  onApplicationBootstrap(): void {
    this.wait(0);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** Works off what is due now; returns how many wake-ups that were. */
  async sweep(): Promise<number> {
    const now = await this.sessions.now();
    const due = await this.sessions.dueWakes(now, AT_ONCE);
    const failures: unknown[] = [];
    await Promise.all(
      due.map((wake) => this.look(wake, now).catch((error: unknown) => failures.push(error))),
    );
    if (failures.length > 0) throw failures[0];
    return due.length;
  }

  private async look({ sessionId, at }: Wake, now: number): Promise<void> {
    this.counts.swept += 1;
    this.counts.latenessMs = now - at;
    const snapshot = await this.sessions.load(sessionId);
    // expired or half-made by an older release: looked at again, never deleted
    if (snapshot === null) {
      await this.sessions.moveWake(sessionId, at, now + EXPIRE_EVERY_MS * 60);
      return;
    }
    const claims = await this.claims.read(
      snapshot.pending.map(({ intent_id }) => ({ sessionId, intentId: intent_id })),
    );
    const work = dueWork(this.options.events, {
      snapshot,
      claims,
      now,
      leaseMs: this.options.leaseMs,
      isTimer: (tool) => this.tools.get(tool)?.timer === true,
    });
    await this.publish(sessionId, this.options.topics.observation, work.observations);
    await this.publish(sessionId, this.options.topics.intent, work.intents);
    await this.sessions.moveWake(sessionId, at, work.nextAt);
  }

  private async publish(sessionId: string, topic: string, events: readonly CloudEvent[]): Promise<void> {
    if (events.length === 0) return;
    this.counts.published += events.length;
    const packed = this.payloads.fits(events) ? events : await this.payloads.pack(sessionId, events);
    await this.client.publish(topic, packed);
  }

  private wait(ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.round = this.turn().then((next) => {
        this.round = undefined;
        this.wait(next);
      });
    }, ms);
  }

  /** One round; returns after how many ms the next one begins. */
  private async turn(): Promise<number> {
    const pollMs = this.options.pollMs ?? DEFAULT_POLL_MS;
    try {
      if ((await this.sweep()) === AT_ONCE) return 0;
      await this.expire();
      const [next, now] = await Promise.all([this.sessions.nextWake(), this.sessions.now()]);
      return next === null ? pollMs : Math.min(pollMs, Math.max(0, next - now));
    } catch (error) {
      if (!this.stopped)
        this.log.warn(`a sweep failed and is tried again in ${AFTER_AN_ERROR_MS} ms: ${String(error)}`);
      return AFTER_AN_ERROR_MS;
    }
  }

  private async expire(): Promise<void> {
    const now = await this.sessions.now();
    if (now - this.expiredAt < EXPIRE_EVERY_MS) return;
    const [sessions, claims] = await Promise.all([
      this.sessions.expire(now - this.options.retentionMs, EXPIRE_AT_ONCE),
      this.claims.expire(now, EXPIRE_AT_ONCE),
    ]);
    // more of them: go on at the next round
    if (sessions < EXPIRE_AT_ONCE && claims < EXPIRE_AT_ONCE) this.expiredAt = now;
  }
}
