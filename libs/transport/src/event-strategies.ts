import type { INestApplication } from '@nestjs/common';
import { NestMicroservice } from '@nestjs/microservices';
import type { EventContext } from '#contracts';
import type { EventStrategyOptions } from './event-strategy.options.js';
import { EventStrategy } from './event.strategy.js';
import { OriginalErrorFilter } from './original-error.filter.js';
import type { Transport } from './port.js';

export type ConnectOptions = Omit<EventStrategyOptions, 'transport' | 'context'> & { context?: EventContext };

/** The strategies of this process. They are drained together, before anything that handlers need is closed. */
export class EventStrategies {
  readonly all: EventStrategy[] = [];

  constructor(
    private readonly transport: Transport,
    private readonly context: EventContext,
  ) {}

  /** A strategy over the module's transport, for `NestFactory.createMicroservice` or {@link connect}. */
  create(options: ConnectOptions): EventStrategy {
    const strategy = new EventStrategy({ context: this.context, ...options, transport: this.transport });
    this.all.push(strategy);
    return strategy;
  }

  /**
   * Adds a strategy to an application that serves HTTP as well. Its handlers begin with
   * `await app.init(); await app.startAllMicroservices()`, in this order: else events come before `onModuleInit`.
   */
  connect(app: INestApplication, options: ConnectOptions): EventStrategy {
    const strategy = this.create(options);
    // deferred, so that the filter is known when handlers are bound
    const microservice = app.connectMicroservice({ strategy }, { deferInitialization: true });
    microservice.useGlobalFilters(new OriginalErrorFilter());
    // the application runs the hooks of its modules; deferred, the microservice would run them again
    if (!(microservice instanceof NestMicroservice)) throw new TypeError('expected a NestMicroservice');
    microservice.setIsInitHookCalled(true);
    return strategy;
  }

  /** Every consumer is alive and in its group. */
  get ready(): boolean {
    return this.all.every((strategy) => strategy.ready);
  }

  /** Leaves all groups, until {@link resume}. */
  async suspend(): Promise<void> {
    await Promise.all(this.all.map((strategy) => strategy.suspend()));
  }

  /** Errors: `unavailable`: call it again */
  async resume(): Promise<void> {
    await Promise.all(this.all.map((strategy) => strategy.resume()));
  }

  /** @param graceMs default: each strategy's `drainMs` */
  async drain(graceMs?: number): Promise<void> {
    await Promise.all(this.all.map((strategy) => strategy.drain(graceMs)));
  }
}
