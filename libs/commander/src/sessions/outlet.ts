import { type Ack, ackBefore, type CloudEvent, DormouseError, type Snapshot } from '#contracts';
import { Payloads, type SessionStore } from '#state';
import { publishTraced } from '#telemetry';
import type { EventClient } from '#transport';
import { type CommanderOptions, DEFAULT_INLINE_LIMIT_BYTES } from '../commander.options.js';

/** Publishes observations that a request made, whose snapshot is written already. */
export class Outlet {
  private readonly payloads: Payloads;

  constructor(
    private readonly store: SessionStore,
    private readonly client: EventClient,
    private readonly options: CommanderOptions,
  ) {
    this.payloads = new Payloads(store, options.inlineLimitBytes ?? DEFAULT_INLINE_LIMIT_BYTES);
  }

  /** Of a write whose event is published next. */
  get ack(): Ack {
    return ackBefore(this.store.capabilities, this.client.log);
  }

  /** Resolves when the log has it. Errors: `unavailable`, with `details.session_id`: it may be in the log or not */
  async publish({ session_id }: Snapshot, event: CloudEvent): Promise<void> {
    const events = [event];
    const { topics, tracing } = this.options;
    const send = async (): Promise<void> => {
      const packed = this.payloads.fits(events) ? events : await this.payloads.pack(session_id, events);
      await this.client.publish(topics.observation, packed);
    };
    try {
      await (tracing === undefined ? send() : publishTraced(tracing, topics.observation, event, send));
    } catch (cause) {
      throw new DormouseError(
        'unavailable',
        'The session is written and its event may not be in the log: repeat the call, with the same Idempotency-Key if it had one.',
        { retryable: true, details: { session_id }, cause },
      );
    }
  }
}
