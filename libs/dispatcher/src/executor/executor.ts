import { Logger } from '@nestjs/common';
import type { CloudEvent, ToolCallData } from '#contracts';
import type { ClaimStore, SlotStore } from '#idempotency';
import { Payloads, type SessionStore } from '#state';
import { backgroundTimers, orDeadLetter, systemTimers } from '#transport';
import { systemClock } from '../clock.js';
import type { DispatcherOptions } from '../dispatcher.options.js';
import type { ToolRegistry } from '../registry/tool.registry.js';
import { closing } from './closing.js';
import { ToolFigures } from './figures.js';
import { claimedFlow } from './flow.js';
import { type Intent, readIntent } from './intent.js';
import { IntentRun, type RunWatch } from './intent.run.js';
import { LeaseKeeper } from './lease.keeper.js';
import { Outlet, type Publisher } from './outlet.js';
import { type Counts, type FlowEnd, noCounts, type Parts } from './parts.js';
import { place, unplace } from './place.step.js';
import { Places } from './places.js';
import { Pulse } from './pulse.js';
import { claimLate, pureFlow } from './pure.flow.js';
import { timerFlow, timerRefused } from './timer.flow.js';
import { ToolSlots } from './tool.slots.js';

const HAND_OVER_AGAIN_MS = 5_000;
/** How long an aborted tool gets to say how it ended. */
const ABORTED_MS = 1_000;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/**
 * Runs intents: one at a time per intent, many at once. Everything that must outlive the process is in the claim and in
 * the session's wake-up; what is here is only what runs now.
 */
export class Executor implements RunWatch {
  private readonly logger = new Logger('Dispatcher');
  private readonly parts: Parts;
  private readonly payloads: Payloads;
  private readonly running = new Map<string, { run: IntentRun; record: Promise<void> }>();
  private draining: Promise<void> | undefined;

  constructor(
    private readonly registry: ToolRegistry,
    sessions: SessionStore,
    private readonly claims: ClaimStore,
    slots: SlotStore,
    publisher: Publisher,
    private readonly options: DispatcherOptions,
    random: () => number = Math.random,
  ) {
    const pulse = new Pulse(options.clock ?? systemClock, options.pulseMs, options.timers);
    this.payloads = new Payloads(sessions, options.inlineLimitBytes);
    this.parts = {
      sessions,
      claims,
      outlet: new Outlet(
        publisher,
        this.payloads,
        options.events,
        options.topics.observation,
        options.tracing,
        options.soon,
      ),
      places: new Places(options.concurrency),
      slots: new ToolSlots(slots, pulse, options.leaseMs, random),
      pulse,
      leases: new LeaseKeeper(claims, pulse, options.leaseMs),
      options,
      counts: noCounts(),
      figures: new ToolFigures(),
      random,
      isDraining: () => this.draining !== undefined,
    };
  }

  get counts(): Readonly<Counts> {
    return this.parts.counts;
  }

  get figures(): ToolFigures {
    return this.parts.figures;
  }

  /** Intents under way, waiting ones included. */
  get inFlight(): number {
    return this.running.size;
  }

  /** Of them, those that wait for a slot of their tool. */
  get waitingForSlots(): number {
    return this.parts.slots.waiting;
  }

  /**
   * Runs one intent. Resolved: its record is finished (done, or carried on by its claim). A second delivery of an
   * intent that is under way here joins the first.
   *
   * Errors: `DeadLetterError` (`invalid_event`, `payload_lost`, `unknown_tool`, `intent_conflict`); anything retryable (`unavailable`, `closed`): the
   * record comes again.
   */
  execute(event: CloudEvent<ToolCallData>): Promise<void> {
    if (event.dataref !== undefined && event.data === undefined) return this.executeKept(event);
    return this.executeWhole(event);
  }

  /** Its payload was too large for the log and lies in the store. */
  private async executeKept(event: CloudEvent<ToolCallData>): Promise<void> {
    return this.executeWhole(await orDeadLetter(this.payloads.unpack(event), ['payload_lost']));
  }

  private executeWhole(event: CloudEvent<ToolCallData>): Promise<void> {
    const { counts, pulse } = this.parts;
    if (this.draining !== undefined) return Promise.reject(closing());
    let intent: Intent;
    try {
      intent = readIntent(event, this.options.events.deployment);
    } catch (error) {
      return Promise.reject(asError(error));
    }
    const tool = this.registry.find(intent.tool);
    if (tool?.spec.servedBy === 'external') {
      counts.external++;
      return Promise.resolve();
    }
    if (!intent.ours) counts.foreign++;
    const name = `${intent.key.sessionId} ${intent.key.intentId} ${intent.digest}`;
    const under = this.running.get(name);
    if (under !== undefined) return under.record;
    const run = new IntentRun(intent, tool, this, this.options, pulse.clock.monotonic(), pulse.clock.now());
    const record = new Promise<void>((resolve, reject) => {
      run.finishRecord = () => {
        resolve();
      };
      run.refuseRecord = reject;
      this.perform(run, name).then(
        () => {
          resolve();
        },
        (error: unknown) => {
          if (run.handedOver) this.logger.warn(`${name}: left to its claim: ${String(error)}`);
          reject(asError(error));
        },
      );
    });
    // ended before it could be kept: nothing waited
    if (!run.over) this.running.set(name, { run, record });
    return record;
  }

  private async perform(run: IntentRun, name: string): Promise<FlowEnd> {
    const { parts } = this;
    try {
      const waiting = place(parts, run);
      if (waiting !== undefined) await waiting;
      return await this.flow(run);
    } catch (error) {
      await this.handBack(run);
      throw error;
    } finally {
      run.over = true;
      if (run.lostClaim) parts.counts.claimsLost++;
      run.letGo();
      run.freeSlot();
      unplace(parts, run);
      parts.pulse.leave(run);
      this.running.delete(name);
    }
  }

  private flow(run: IntentRun): Promise<FlowEnd> {
    const { parts } = this;
    const { tool, intent, effect } = run;
    if (tool === undefined || !intent.ours) return claimedFlow(parts, run);
    if (tool.timerMs !== undefined) return this.timer(run, tool.timerMs(intent.parameters));
    // who may have to wait for a slot needs a claim that remembers it
    const claimless = effect === 'pure' && tool.spec.concurrency === undefined;
    return claimless ? pureFlow(parts, run) : claimedFlow(parts, run);
  }

  private async timer(run: IntentRun, ms: number): Promise<FlowEnd> {
    return (await timerRefused(this.parts, run)) ?? timerFlow(this.parts, run, ms);
  }

  runsLong(run: IntentRun): void {
    run.lateClaim = claimLate(this.parts, run).catch((error: unknown) => {
      this.logger.warn(`${run.intent.intentId}: no claim for a long run: ${String(error)}`);
    });
  }

  /** The claim becomes the intent's journal: a tool of half an hour holds no partition. */
  holdsLong(run: IntentRun): void {
    // a foreign intent has no session whose wake-up could bring it back: its record is its journal
    if (!run.intent.ours) return;
    this.handOver(run).catch((error: unknown) => {
      run.handsOverLater(this.parts.pulse.clock.monotonic(), HAND_OVER_AGAIN_MS);
      this.logger.warn(`${run.intent.intentId}: its record is held for longer: ${String(error)}`);
    });
  }

  private async handOver(run: IntentRun): Promise<void> {
    const { claims, sessions, counts } = this.parts;
    const { intent, lease } = run;
    if (lease === undefined) return;
    if ((await claims.keep(intent.key, lease.token, JSON.stringify(intent.event))) === 'lost') return;
    await sessions.lowerWake(intent.key.sessionId, (await sessions.now()) + this.options.leaseMs);
    counts.handedOver++;
    run.finishRecord();
  }

  /** Ends the lease of a run that was given up, so that nobody waits for it. What may have been done stays started. */
  private async handBack({ lease }: IntentRun): Promise<void> {
    if (lease === undefined) return;
    lease.release();
    try {
      await this.claims.handBack(lease.key, lease.token);
    } catch {
      // the lease runs out by itself
    }
  }

  /**
   * Takes nothing more, lets what runs go on for `graceMs`, aborts it, and gives back what hasn't ended a second later.
   * What only waits is given back at once. Called again, it is the same drain.
   */
  drain(graceMs: number): Promise<void> {
    this.draining ??= this.shutDown(graceMs);
    return this.draining;
  }

  private async shutDown(graceMs: number): Promise<void> {
    const { places, slots, pulse } = this.parts;
    // after this turn, so that isDraining is true for whoever is woken
    await Promise.resolve();
    places.close(closing());
    slots.close(closing());
    pulse.wakeSleepers(closing());
    await this.idleWithin(graceMs);
    for (const { run } of this.running.values()) run.abort('shutdown');
    await this.idleWithin(ABORTED_MS);
    const left = [...this.running.values()];
    // a store that can't be reached keeps nobody from ending: the leases run out by themselves
    const handedBack = Promise.all(left.map(({ run }) => this.handBack(run)));
    const { timers = backgroundTimers } = this.options;
    await Promise.race([handedBack, new Promise<void>((resolve) => timers.set(resolve, ABORTED_MS))]);
    for (const { run } of left) run.refuseRecord(closing());
    pulse.stop();
  }

  private async idleWithin(ms: number): Promise<void> {
    const { timers = systemTimers } = this.options;
    const grace = { over: false };
    const limit = timers.set(() => (grace.over = true), ms);
    while (this.running.size > 0 && !grace.over)
      await new Promise<void>((resolve) => timers.set(resolve, Math.min(10, ms)));
    timers.clear(limit);
  }
}
