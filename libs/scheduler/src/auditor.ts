import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { bootId } from '#idempotency';
import { type AuditNotes, NO_NOTES, SessionStore, type WakeFault, type WakeViolation } from '#state';
import { afterLook, afterRepairs, countsOf, finished, LATE_MS, restLeft, SEEN_ALL } from './audit-notes.js';
import { Rounds } from './rounds.js';
import { SCHEDULER_OPTIONS, type SchedulerOptions } from './scheduler.options.js';

/** Entries looked at in one go, and the pause between two: at most 2,500 a second, whatever there are. */
const AT_ONCE = 500;
const PAUSE_MS = 200;
const DEFAULT_REST_MS = 10_000;
/** A scheduler that is silent for so long has lost its turn. */
const TURN_MS = 15_000;
/** So many ids of a look are named in the log. */
const NAMED = 5;
const AFTER_AN_ERROR_MS = 1_000;

/**
 * Sees to it that every session which hasn't ended has exactly one wake-up (rule 9), whatever became of it: looks at all
 * sessions and all wake-ups of the store, a part at a time, and repairs what doesn't agree. One of all schedulers has the
 * turn, and its notes are in the store, so another goes on where it stood. What it finds is seen a second time, a moment
 * later and unchanged, before it counts: what others are just writing is no violation.
 */
@Injectable()
export class Auditor implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger('Auditor');
  private readonly name: string;
  private readonly counts: Record<WakeFault, number> = { missing: 0, late: 0, orphaned: 0, misplaced: 0 };
  private suspects: WakeViolation[] = [];
  private known: AuditNotes = NO_NOTES;
  private readonly rounds = new Rounds(() => this.tried(), false);
  private complained = false;

  constructor(
    private readonly sessions: SessionStore,
    @Inject(SCHEDULER_OPTIONS) private readonly options: Pick<SchedulerOptions, 'auditRestMs' | 'auditor'>,
  ) {
    this.name = options.auditor ?? bootId;
  }

  /** What this process repaired, by fault. */
  get repaired(): Readonly<Record<WakeFault, number>> {
    return this.counts;
  }

  /** What all of them noted, as of the latest turn or try of one. */
  get notes(): AuditNotes {
    return this.known;
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.rounds.stop();
  }

  /**
   * Looks at one part, or repairs what the look before found; returns after how many ms the next turn begins.
   *
   * Errors: `unavailable`: the part is looked at again
   */
  async turn(): Promise<number> {
    const { audit } = this.sessions;
    const { auditRestMs: restMs = DEFAULT_REST_MS } = this.options;
    // sessions that are being rebuilt have no order yet
    if (await this.sessions.isEmptied()) return restMs;
    const { mine, notes } = await audit.take(this.name, TURN_MS);
    this.known = notes;
    const suspects = this.suspects;
    this.suspects = [];
    if (!mine) return restMs;
    const now = await this.sessions.now();
    const rest = restLeft(notes, now, restMs);
    if (rest > 0) return Math.min(rest, restMs);
    const next =
      suspects.length > 0
        ? afterRepairs(notes, await this.repair(suspects), now)
        : await this.goOn(notes, now);
    const isOver = next.place === SEEN_ALL && this.suspects.length === 0;
    this.known = isOver ? finished(next, now) : next;
    if (!(await audit.keep(this.name, TURN_MS, this.known))) return restMs;
    return isOver ? restMs : PAUSE_MS;
  }

  private async goOn(notes: AuditNotes, now: number): Promise<AuditNotes> {
    if (notes.place === SEEN_ALL) return notes;
    const look = await this.sessions.audit.look({ place: notes.place, limit: AT_ONCE, lateMs: LATE_MS });
    this.suspects = look.violations;
    return afterLook(notes, look, now);
  }

  /** Those that are still as they were seen. */
  private async repair(suspects: readonly WakeViolation[]): Promise<Partial<Record<WakeFault, number>>> {
    const repaired: WakeViolation[] = [];
    for (const suspect of suspects)
      if (await this.sessions.audit.repair(suspect)) {
        repaired.push(suspect);
        this.counts[suspect.fault]++;
      }
    if (repaired.length > 0) this.log.warn(sentenceOf(repaired));
    return countsOf(repaired.map(({ fault }) => fault));
  }

  private async tried(): Promise<number> {
    try {
      const next = await this.turn();
      this.complained = false;
      return next;
    } catch (error) {
      // the sweeper, which asks the same store, says every time that it is away
      if (!this.rounds.stopped && !this.complained)
        this.log.warn(`the audit goes on in a moment: ${String(error)}`);
      this.complained = true;
      return AFTER_AN_ERROR_MS;
    }
  }
}

const sentenceOf = (repaired: readonly WakeViolation[]): string => {
  const named = repaired.slice(0, NAMED).map(({ sessionId, fault }) => `${sessionId} (${fault})`);
  const others = repaired.length > NAMED ? ` and ${repaired.length - NAMED} more` : '';
  return `wake-ups that were not as they should be were repaired: ${named.join(', ')}${others}`;
};
