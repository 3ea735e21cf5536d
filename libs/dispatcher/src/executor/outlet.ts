import {
  type Ack,
  ackBefore,
  type CloudEvent,
  endOf,
  type EventContext,
  type Journaled,
  type Outcome,
  toolResultEvent,
} from '#contracts';
import type { Payloads } from '#state';
import { publishTraced, type Tracing } from '#telemetry';
import type { Intent } from './intent.js';

/** What the outlet needs of the transport's client. */
export interface Publisher {
  /** where its writes go */
  readonly log: Journaled;
  /** resolves when the log has acknowledged all of them */
  publish(topic: string, events: CloudEvent[]): Promise<void>;
}

interface Waiting {
  event: CloudEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Publishes results. What is ready within one turn of the event loop goes out in one call: a group commit of the store
 * ends many runs at once, and the log takes them together as well.
 */
export class Outlet {
  private waiting: Waiting[] = [];

  constructor(
    private readonly publisher: Publisher,
    private readonly payloads: Payloads,
    private readonly context: EventContext,
    private readonly topic: string,
    private readonly tracing: Tracing | undefined,
    /** runs it when everything that is ready now has had its turn */
    private readonly soon: (run: () => void) => void = setImmediate,
  ) {}

  /** Of a write to `store` that is published next. */
  ackOf(store: Journaled): Ack {
    return ackBefore(store, this.publisher.log);
  }

  /** Resolves when the log has the observation. */
  publish(intent: Intent, outcome: Outcome): Promise<void> {
    const event = toolResultEvent(this.context, intent, outcome, endOf(outcome));
    return this.tracing === undefined
      ? this.hand(intent, event)
      : publishTraced(this.tracing, this.topic, event, () => this.hand(intent, event));
  }

  private hand(intent: Intent, event: CloudEvent): Promise<void> {
    if (this.payloads.fits([event])) return this.send(event);
    return this.payloads
      .pack(intent.key.sessionId, [event])
      .then(async (packed) => Promise.all(packed.map((small) => this.send(small))))
      .then(() => undefined);
  }

  private send(event: CloudEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ event, resolve, reject });
      if (this.waiting.length === 1) this.soon(() => this.flush());
    });
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    const events = batch.map(({ event }) => event);
    this.publisher.publish(this.topic, events).then(
      () => {
        for (const { resolve } of batch) resolve();
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }
}
