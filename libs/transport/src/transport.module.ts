import {
  type DynamicModule,
  type InjectionToken,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { EventContext } from '#contracts';
import { EventStrategies } from './event-strategies.js';
import { EventClient } from './event.client.js';
import { type TopicSpec, Transport } from './port.js';
import { EVENT_CONTEXT } from './transport.tokens.js';

export interface TransportOptions {
  /** the transport, not started yet; or how it is made from what the container has */
  transport:
    | Transport
    | { inject?: InjectionToken[]; useFactory: (...dependencies: never[]) => Transport | Promise<Transport> };
  /** made when they don't exist */
  topics: readonly TopicSpec[];
  /** `source` is the process's; roles that have one of their own put it in its place */
  context: EventContext;
}

/**
 * Provides the `Transport` (started), the `EventClient`, the `EventStrategies` and the `EventContext` to all modules.
 *
 * At the end of the process it drains the strategies in `onModuleDestroy` and closes the transport in
 * `onApplicationShutdown`. Nest closes strategies between the two, so whatever a handler needs is closed in
 * `onApplicationShutdown`, or events would find it gone.
 */
@Module({})
export class TransportModule implements OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly strategies: EventStrategies,
    private readonly transport: Transport,
  ) {}

  static forRoot(options: TransportOptions): DynamicModule {
    const { transport, topics, context } = options;
    return {
      module: TransportModule,
      global: true,
      providers: [
        {
          provide: Transport,
          inject: transport instanceof Transport ? [] : (transport.inject ?? []),
          useFactory: async (...dependencies: never[]): Promise<Transport> => {
            const made =
              transport instanceof Transport ? transport : await transport.useFactory(...dependencies);
            await made.start(topics);
            return made;
          },
        },
        { provide: EVENT_CONTEXT, useValue: context },
        { provide: EventClient, inject: [Transport], useFactory: (made: Transport) => new EventClient(made) },
        {
          provide: EventStrategies,
          inject: [Transport],
          useFactory: (made: Transport) => new EventStrategies(made, context),
        },
      ],
      exports: [Transport, EVENT_CONTEXT, EventClient, EventStrategies],
    };
  }

  async onModuleDestroy(): Promise<void> {
    await this.strategies.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.transport.close();
  }
}
