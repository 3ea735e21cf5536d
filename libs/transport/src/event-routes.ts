import type { MessageHandler } from '@nestjs/microservices';
import type { CloudEvent } from '#contracts';
import { DeadLetterError } from './dead-letter.js';
import type { Delivery } from './delivery.js';

export type EventHandler = MessageHandler<CloudEvent, Delivery>;

/** Runs one handler, until what it does has ended. */
export type HandlerCall = (handler: EventHandler, event: CloudEvent, delivery: Delivery) => Promise<void>;

/** Which handlers an event goes to, by what follows the prefix in its type, and their calls. */
export class EventRoutes {
  private readonly handlers = new Map<string, EventHandler[]>();
  private readonly prefix: string;
  /** of deliveries with several handlers, some of which failed: those that needn't be called again */
  private readonly succeeded = new WeakMap<Delivery, Set<EventHandler>>();

  constructor(
    typePrefix: string,
    private readonly call: HandlerCall,
  ) {
    this.prefix = `${typePrefix}.`;
  }

  add(name: string, handler: EventHandler): void {
    const others = this.handlers.get(name);
    if (others === undefined) this.handlers.set(name, [handler]);
    else others.push(handler);
  }

  /** undefined: nobody here handles events of this type. */
  handlersOf(type: string): readonly EventHandler[] | undefined {
    return type.startsWith(this.prefix) ? this.handlers.get(type.slice(this.prefix.length)) : undefined;
  }

  /** Calls the handlers, each until it has succeeded once for this delivery. Rejects when all of them have ended. */
  run(handlers: readonly EventHandler[], event: CloudEvent, delivery: Delivery): Promise<void> {
    const [only] = handlers;
    return handlers.length === 1 && only !== undefined
      ? this.call(only, event, delivery)
      : this.runEach(handlers, event, delivery);
  }

  private async runEach(
    handlers: readonly EventHandler[],
    event: CloudEvent,
    delivery: Delivery,
  ): Promise<void> {
    const done = this.succeeded.get(delivery) ?? new Set();
    this.succeeded.set(delivery, done);
    const results = await Promise.allSettled(
      handlers
        .filter((handler) => !done.has(handler))
        .map(async (handler) => {
          await this.call(handler, event, delivery);
          done.add(handler);
        }),
    );
    // one that is to be tried again goes before one that never can be
    const errors = results.flatMap((r): unknown[] => (r.status === 'rejected' ? [r.reason] : []));
    if (errors.length > 0) throw errors.find((error) => !DeadLetterError.is(error)) ?? errors[0];
  }
}
