import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { type CloudEvent, DormouseError } from '#contracts';
import { Burials } from './burials.js';
import { DeadLetterError } from './dead-letter.js';
import type { Delivery } from './delivery.js';
import { describeInvalid } from './event-attributes.js';
import { decodeEvent } from './event-codec.js';
import { type EventHandler, EventRoutes } from './event-routes.js';
import type { EventStrategyOptions, EventStrategyStats } from './event-strategy.options.js';
import { unknownVersion } from './event-version.js';
import { KeyOrderedConsumer } from './key-ordered-consumer.js';
import { PoisonGate } from './poison/poison-gate.js';
import { SuspectError } from './poison/suspect-error.js';
import type { LogRecord } from './port.js';
import { RetryLog, placeOf } from './retry-log.js';
import { Succession } from './succession.js';
import { systemTimers } from './timers.js';

const DRAIN_MS = 30_000;
/** Seldom: what ended a subscription for good is mended by a person. */
const REJOIN_MS = 30_000;
const DEFAULT_IN_FLIGHT = 256;
/** Records that were finished after the last commit that a process made may be delivered again, too. */
const FINISHED_UNCOMMITTED = 1_000;

const gateOf = ({ poison, topic, context, maxInFlight = DEFAULT_IN_FLIGHT }: EventStrategyOptions) =>
  poison === undefined
    ? undefined
    : new PoisonGate(poison, topic, maxInFlight + FINISHED_UNCOMMITTED, context.deployment);

/**
 * Nest's server side of the transport port: hands the events of a topic to `@EventPattern(name, transportId)` handlers,
 * called with the event and the {@link Delivery} (as `@Payload()` and `@Ctx()`).
 *
 * - A handler that resolves has finished its record (what it returns is ignored; an Observable is waited for). One that
 *   rejects is called again, see {@link KeyOrderedConsumer}; a {@link DeadLetterError} makes the record a dead letter.
 * - Several handlers of one type are each called, and each until it has succeeded once in this delivery's process.
 * - A record that holds no valid event becomes a dead letter.
 * - A subscription that dies is followed by another one, see {@link Succession}.
 *
 * Nest's way to a handler (guards, pipes, interceptors, filters) costs about 2.4 µs per event, so it isn't gone round.
 */
export class EventStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId: symbol;
  // errors come back to us: without this Nest would log them as well
  override readonly propagatesEventHandlerErrors = true;
  private gate: PoisonGate | undefined;
  private consumer: KeyOrderedConsumer;
  /** those before it whose handlers still ran when it began */
  private readonly outlived = new Set<KeyOrderedConsumer>();
  private readonly succession: Succession;
  /** nobody is to be given records now, and the group is left */
  private suspended = false;
  private listening = false;
  private drained = false;
  private hooked = false;
  private unhandled = 0;
  /** by partition: the latest `newer_version` of it */
  private readonly tooNew = new Map<number, string>();
  private readonly retryLog = new RetryLog(this.logger);
  private readonly routes: EventRoutes;
  private readonly burials: Burials;

  constructor(private readonly options: EventStrategyOptions) {
    super();
    this.transportId = options.transportId;
    this.routes = new EventRoutes(options.context.typePrefix, (handler, event, delivery) =>
      this.call(handler, event, delivery),
    );
    this.burials = new Burials(options, this.logger);
    const { rejoinMs = REJOIN_MS, consumer } = options;
    this.succession = new Succession(
      rejoinMs,
      consumer?.timers ?? systemTimers,
      () => void this.beginAgain(),
    );
    this.consumer = this.newConsumer();
  }

  get ready(): boolean {
    return this.consumer.ready && this.death === null;
  }

  /** The partitions that are read here. */
  get owned(): number[] {
    return this.consumer.owned;
  }

  get stats(): EventStrategyStats {
    const [newerVersion = null] = this.tooNew.values();
    return {
      ...this.consumer.stats,
      dead: this.death,
      newerVersion,
      unhandled: this.unhandled,
      deadLetters: this.burials.count,
    };
  }

  /** Several handlers of one pattern are kept apart: Nest's own chain ends when the first of them does. */
  override addHandler(
    pattern: string,
    callback: EventHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    if (!isEventHandler) {
      throw new DormouseError(
        'invalid_settings',
        `${pattern}: events have no answers; use @EventPattern, not @MessagePattern`,
      );
    }
    callback.isEventHandler = true;
    callback.extras = extras;
    const route = this.normalizePattern(pattern);
    this.routes.add(route, callback);
    if (!this.messageHandlers.has(route)) this.messageHandlers.set(route, callback);
  }

  listen(callback: (error?: unknown) => void): void {
    this.listening = true;
    (this.suspended ? Promise.resolve() : this.consumer.start()).then(
      () => {
        this._status$.next('connected');
        callback();
      },
      (error: unknown) => {
        callback(error);
      },
    );
  }

  /**
   * Leaves the group, without waiting for handlers: nothing is taken, and nothing more is acknowledged, until
   * {@link resume}. Before `listen` it keeps it from joining.
   */
  async suspend(): Promise<void> {
    if (this.suspended || this.drained) return;
    this.suspended = true;
    if (this.listening) await this.end(0);
  }

  /** Joins the group again. Errors: `unavailable`: call it again */
  async resume(): Promise<void> {
    if (!this.suspended || this.drained) return;
    const consumer = this.newConsumer();
    if (this.listening) await consumer.start();
    if (this.isDrained()) {
      await consumer.drain(0);
      return;
    }
    this.consumer = consumer;
    this.suspended = false;
  }

  /** See {@link KeyOrderedConsumer.drain}. Called again, it is the same drain. */
  async drain(graceMs = this.options.drainMs ?? DRAIN_MS): Promise<void> {
    this.drained = true;
    await this.end(graceMs);
    this._status$.next('closed');
  }

  close(): Promise<void> {
    return this.drain();
  }

  on(): never {
    throw new DormouseError(
      'invalid_request',
      'an event strategy has no events of its own; see its status and stats',
    );
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- Nest's signature
  unwrap<T>(): T {
    return this.consumer as T;
  }

  override setOnProcessingStartHook(...[hook]: Parameters<Server['setOnProcessingStartHook']>): void {
    this.hooked = true;
    super.setOnProcessingStartHook(hook);
  }

  override setOnProcessingEndHook(...[hook]: Parameters<Server['setOnProcessingEndHook']>): void {
    this.hooked = true;
    super.setOnProcessingEndHook(hook);
  }

  // a question, so that the compiler doesn't take the answer before an await for the one after it
  private isDrained(): boolean {
    return this.drained;
  }

  /** Why nothing is read, although it should be; null: nothing is wrong. */
  private get death(): Error | null {
    const { dead, finished } = this.consumer.stats;
    return this.succession.told(finished) ?? dead;
  }

  private died(error: Error): void {
    const { topic, group, rejoinMs = REJOIN_MS } = this.options;
    this.logger.error(
      `the subscription of ${group} to ${topic} is dead, another one begins in ${rejoinMs} ms: ${error.message}`,
    );
    this._status$.next('dead');
    this.succession.died(error);
  }

  private async beginAgain(): Promise<void> {
    for (const before of [...this.outlived, this.consumer]) {
      if (before.stats.inFlight > 0) this.outlived.add(before);
      else this.outlived.delete(before);
    }
    const consumer = this.newConsumer();
    this.consumer = consumer;
    try {
      await consumer.start();
      this._status$.next('connected');
    } catch (error) {
      if (consumer === this.consumer && !this.suspended && !this.drained)
        this.died(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Leaves the group; no other subscription follows by itself. */
  private async end(graceMs: number): Promise<void> {
    this.succession.end();
    await Promise.all([...this.outlived, this.consumer].map((consumer) => consumer.drain(graceMs)));
  }

  private newConsumer(): KeyOrderedConsumer {
    const { options } = this;
    const { transport, topic, group, maxInFlight } = options;
    this.tooNew.clear();
    const gate = gateOf(options);
    this.gate = gate;
    return new KeyOrderedConsumer({
      ...options.consumer,
      ...(maxInFlight === undefined ? {} : { maxInFlight }),
      transport,
      topic,
      group,
      handler:
        gate === undefined
          ? (record, delivery) => this.handle(record, delivery)
          : (record, delivery) =>
              gate.pass(
                delivery,
                () => this.handle(record, delivery),
                (facts) => this.burials.bury(record, delivery, facts, decodeEvent(record).event),
              ),
      onAssigned: (positions) => gate?.assigned(positions),
      onLost: (partitions) => {
        gate?.lost(partitions);
        for (const partition of partitions) this.tooNew.delete(partition);
      },
      onRetry: (error, delivery, delayMs) => {
        if (DormouseError.is(error) && error.code === 'newer_version')
          this.tooNew.set(delivery.partition, `${placeOf(delivery)}: ${error.message}`);
        this.retryLog.failed(error, delivery, delayMs);
        options.consumer?.onRetry?.(error, delivery, delayMs);
      },
      onDead: (error) => {
        this.died(error);
      },
    });
  }

  private handle(record: LogRecord, delivery: Delivery): Promise<void> | undefined {
    const { event, invalid } = decodeEvent(record);
    if (event === undefined) {
      return this.burials.bury(record, delivery, {
        reason: 'invalid_event',
        error: describeInvalid(invalid),
        attempts: 0,
      });
    }
    const error = unknownVersion(event, this.options.context.deployment);
    if (error !== undefined)
      return this.burials.bury(record, delivery, { reason: 'unknown_version', error, attempts: 0 }, event);
    const handlers = this.routes.handlersOf(event.type);
    if (handlers === undefined) {
      this.unhandled++;
      return undefined;
    }
    return this.process(handlers, event, delivery);
  }

  private async process(
    handlers: readonly EventHandler[],
    event: CloudEvent,
    delivery: Delivery,
  ): Promise<void> {
    try {
      await this.routes.run(handlers, event, delivery);
    } catch (error) {
      if (SuspectError.is(error) && this.gate !== undefined) {
        const { record } = delivery;
        return this.gate.suspected(
          error,
          delivery,
          () => this.handle(record, delivery),
          (facts) => this.burials.bury(record, delivery, facts, event),
        );
      }
      if (!DeadLetterError.is(error)) throw error;
      const { code, message, attempts } = error;
      await this.burials.bury(delivery.record, delivery, { reason: code, error: message, attempts }, event);
    }
  }

  private async call(handler: EventHandler, event: CloudEvent, delivery: Delivery): Promise<void> {
    if (this.hooked) {
      await this.callWithHooks(handler, event, delivery);
      return;
    }
    const result: unknown = await handler(event, delivery);
    // a stream without values is an end like any other
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }

  /** What instruments Nest asks to be told of each event's begin and end. */
  private callWithHooks(handler: EventHandler, event: CloudEvent, delivery: Delivery): Promise<void> {
    return new Promise((resolve, reject) => {
      const context = delivery as never;
      this.runWithProcessingHooks(context, async (end) => {
        try {
          const result: unknown = await handler(event, delivery);
          if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
          resolve();
        } catch (error) {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- handed on as it came
          reject(error);
        } finally {
          end();
        }
      });
    });
  }
}
