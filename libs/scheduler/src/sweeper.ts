import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type CloudEvent, DormouseError, type Snapshot, ToolCatalogue } from '#contracts';
import { ClaimStore, type ClaimView } from '#idempotency';
import { Payloads, SessionStore, type Wake } from '#state';
import { Histograms } from '#telemetry';
import { EventClient } from '#transport';
import { dueWork, type DueWork, putOffUntil } from './due.machine.js';
import { LogBacklog } from './log-backlog.js';
import { Rounds } from './rounds.js';
import { SCHEDULER_OPTIONS, type SchedulerOptions } from './scheduler.options.js';

const DEFAULT_POLL_MS = 50;
/** Sessions looked at in one go: a backlog of due ones is worked off in batches, and published in one call. */
const AT_ONCE = 500;
/** With more than this share of a round moved on by others it isn't alone. */
const CROWDED = 0.02;
/** From so many rounds' worth it then draws its own: two that draw from 8,000 have a sixteenth in common. */
const SHARED = 16;
const AFTER_AN_ERROR_MS = 1000;
/** A session that can't be looked at (a record of a later release) keeps its entry, and nobody else from theirs. */
const AFTER_A_BAD_ONE_MS = 60_000;
/** A wake-up of a session that isn't there: expired, and its entry left over. */
const AFTER_NO_SESSION_MS = 3_600_000;
const EXPIRE_EVERY_MS = 60_000;
const EXPIRE_AT_ONCE = 1000;

export interface SweeperStats {
  /** wake-ups that were due */
  swept: number;
  /** events that it published again */
  published: number;
  /** of them, those that may have got lost: a crash or an outage was repaired. The others were due */
  repaired: number;
}

/** A due wake-up and what is to be done about it. */
interface Look {
  wake: Wake;
  nextAt: number;
  snapshot?: Snapshot;
  work?: DueWork;
}

/**
 * Looks at every wake-up that is due: publishes first, then moves the entry on if it is unchanged; it never deletes the
 * entry of an unfinished session. One timer for the whole process. Any number of them may sweep the same store.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Sweeper');
  private readonly payloads: Payloads;
  private readonly backlog: LogBacklog;
  private readonly counts: SweeperStats = { swept: 0, published: 0, repaired: 0 };
  /** s, from the time of a wake-up until what it asks for is published; by what that was: `due`, `lost` or `nothing` */
  readonly lateness = new Histograms();
  private readonly rounds = new Rounds(() => this.turn(), true);
  /** others moved on what this one had looked at, in the last round that was full; at first nobody knows */
  private crowded = true;
  private expiredAt = 0;

  constructor(
    private readonly sessions: SessionStore,
    private readonly claims: ClaimStore,
    private readonly client: EventClient,
    private readonly tools: ToolCatalogue,
    @Inject(SCHEDULER_OPTIONS) private readonly options: SchedulerOptions,
  ) {
    this.payloads = new Payloads(sessions, options.inlineLimitBytes);
    this.backlog = new LogBacklog(client, options);
  }

  get stats(): Readonly<SweeperStats> {
    return this.counts;
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.rounds.stop();
  }

  /**
   * Works off what is due now; returns how many wake-ups that were.
   *
   * Errors: `unavailable`: nothing was moved that wasn't published; what is due is so still.
   */
  async sweep(): Promise<number> {
    const now = await this.sessions.now();
    const due = await this.share(now);
    if (due.length === 0) return 0;
    // sessions that are being rebuilt have no claims yet, and others are still to come
    if (await this.sessions.isEmptied()) return 0;
    const backlog = await this.backlog.isLarge(now);
    const looks = await Promise.all(due.map((wake) => this.look(wake, now, backlog)));
    const { intent, observation } = this.options.topics;
    await Promise.all([
      this.publish(observation, looks, ({ observations }) => observations),
      this.publish(intent, looks, ({ intents }) => intents),
    ]);
    const publishedAt = await this.sessions.now();
    for (const { wake, work } of looks) {
      this.counts.repaired += work?.repaired ?? 0;
      this.lateness.observe(whatFor(work), (publishedAt - wake.at) / 1_000);
    }
    const moved = await Promise.all(looks.map((look) => this.moveOn(look, now)));
    if (due.length === AT_ONCE) this.crowded = moved.filter((ours) => !ours).length > CROWDED * AT_ONCE;
    this.counts.swept += due.length;
    return due.length;
  }

  /**
   * The earliest that are due. Beside other sweepers, who see the same, some of the earliest, drawn at random: so they
   * share a backlog without knowing of each other.
   */
  private async share(now: number): Promise<Wake[]> {
    if (!this.crowded) return this.sessions.dueWakes(now, AT_ONCE);
    const due = await this.sessions.dueWakes(now, SHARED * AT_ONCE);
    return due.length > AT_ONCE ? drawn(due, AT_ONCE, this.options.random ?? Math.random) : due;
  }

  private async look(wake: Wake, now: number, backlog: boolean): Promise<Look> {
    try {
      const snapshot = await this.sessions.load(wake.sessionId);
      if (snapshot === null) return { wake, nextAt: now + AFTER_NO_SESSION_MS };
      const work = dueWork(this.options.events, {
        snapshot,
        claims: await this.claimsOf(snapshot),
        now,
        leaseMs: this.options.leaseMs,
        backlog,
        timerMs: (tool, parameters) => this.tools.timerMs(tool, parameters),
      });
      return { wake, nextAt: work.nextAt, snapshot, work };
    } catch (error) {
      if (DormouseError.is(error) && error.retryable) throw error;
      this.log.warn(`${wake.sessionId} can't be looked at: ${String(error)}`);
      return { wake, nextAt: now + AFTER_A_BAD_ONE_MS };
    }
  }

  private claimsOf({ session_id: sessionId, pending }: Snapshot): Promise<(ClaimView | null)[]> {
    if (pending.length === 0) return Promise.resolve([]);
    return this.claims.read(pending.map(({ intent_id }) => ({ sessionId, intentId: intent_id })));
  }

  /** All that this round repeats on a topic, in one call. */
  private async publish(
    topic: string,
    looks: readonly Look[],
    eventsOf: (work: DueWork) => readonly CloudEvent[],
  ): Promise<void> {
    const packed: CloudEvent[] = [];
    for (const { wake, work } of looks) {
      const events = work === undefined ? [] : eventsOf(work);
      packed.push(
        ...(this.payloads.fits(events) ? events : await this.payloads.pack(wake.sessionId, events)),
      );
    }
    if (packed.length === 0) return;
    await this.client.publish(topic, packed);
    this.counts.published += packed.length;
  }

  /** Returns false when the entry wasn't what it was seen as any more. */
  private async moveOn({ wake, nextAt, snapshot, work }: Look, now: number): Promise<boolean> {
    if (!(await this.sessions.moveWake(wake.sessionId, wake.at, nextAt))) return false;
    if (snapshot === undefined || work === undefined || work.intents.length === 0) return true;
    const putOff = putOffUntil(snapshot.pending, await this.claimsOf(snapshot), now);
    if (putOff !== undefined && putOff < nextAt) await this.sessions.lowerWake(wake.sessionId, putOff);
    return true;
  }

  /** One round; returns after how many ms the next one begins. */
  private async turn(): Promise<number> {
    const pollMs = this.options.pollMs ?? DEFAULT_POLL_MS;
    try {
      if ((await this.sweep()) === AT_ONCE) return 0;
      await this.expire();
      return pollMs;
    } catch (error) {
      if (!this.rounds.stopped)
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

/** Both may be: then what may have got lost counts. */
const whatFor = (work: DueWork | undefined): 'due' | 'lost' | 'nothing' => {
  if (work === undefined || work.intents.length + work.observations.length === 0) return 'nothing';
  return work.repaired > 0 ? 'lost' : 'due';
};

/** So many of them, any as likely as the others. */
const drawn = <T>(all: readonly T[], count: number, random: () => number): T[] => {
  const shuffled = [...all];
  for (let i = 0; i < count; i++) {
    const at = i + Math.floor(random() * (shuffled.length - i));
    [shuffled[i], shuffled[at]] = [shuffled[at] as T, shuffled[i] as T];
  }
  return shuffled.slice(0, count);
};
