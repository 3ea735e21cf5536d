import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Inject,
  Module,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ClaimStore, SlotStore } from '#idempotency';
import { SessionStore } from '#state';
import { EventClient } from '#transport';
import { DispatcherController } from './dispatcher.controller.js';
import { DISPATCHER_OPTIONS, type DispatcherOptions } from './dispatcher.options.js';
import { Executor } from './executor/executor.js';
import { ToolRegistry } from './registry/tool.registry.js';

/**
 * The role `dispatcher`: runs the tools of intents. Needs the global `ToolsModule`, the stores and the `EventClient`.
 * Its strategy's consumer is told {@link dispatcherConsumer}.
 */
@Module({})
export class DispatcherModule implements OnModuleDestroy, BeforeApplicationShutdown {
  constructor(
    private readonly executor: Executor,
    @Inject(DISPATCHER_OPTIONS) private readonly options: DispatcherOptions,
  ) {}

  static forRoot(options: DispatcherOptions): DynamicModule {
    return {
      module: DispatcherModule,
      controllers: [DispatcherController],
      providers: [
        { provide: DISPATCHER_OPTIONS, useValue: options },
        {
          provide: Executor,
          inject: [ToolRegistry, SessionStore, ClaimStore, SlotStore, EventClient],
          useFactory: (
            registry: ToolRegistry,
            sessions: SessionStore,
            claims: ClaimStore,
            slots: SlotStore,
            client: EventClient,
          ) => new Executor(registry, sessions, claims, slots, client, options),
        },
      ],
      exports: [Executor],
    };
  }

  /** Begins the drain and waits for nobody: the strategies, drained meanwhile, wait for the records that end by it. */
  onModuleDestroy(): void {
    void this.executor.drain(this.options.shutdownMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.executor.drain(this.options.shutdownMs);
  }
}

/** The records above the tools in flight that the consumer may hold: those that wait for another's run, or a place. */
const WAITING_RECORDS = 1_000;

/**
 * How the dispatcher's strategy consumes: intents of one session side by side, and enough of them at once that a bound
 * of one tool doesn't keep the others from running.
 */
export const dispatcherConsumer = (
  options: Pick<DispatcherOptions, 'concurrency'>,
): { maxInFlight: number; consumer: { order: 'none' } } => ({
  maxInFlight: options.concurrency + WAITING_RECORDS,
  consumer: { order: 'none' },
});
