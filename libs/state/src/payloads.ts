import { type CloudEvent, DormouseError } from '#contracts';
import { bytesBeyond } from './json-size.js';
import type { SessionStore } from './port.js';

const lostPayload = (event: CloudEvent, what: string, cause?: unknown): DormouseError =>
  new DormouseError('payload_lost', `the payload of ${event.id} at ${event.dataref ?? ''} ${what}`, {
    cause,
  });

/** Keeps payloads out of the log that are too large for it: they lie in the store, the event says where (`dataref`). */
export class Payloads {
  constructor(
    private readonly store: SessionStore,
    /** bytes of JSON that an event's data may have */
    private readonly inlineLimitBytes: number,
  ) {}

  /** Whether none of these needs {@link pack}. */
  fits(events: readonly CloudEvent[]): boolean {
    return events.every((event) => bytesBeyond(event.data, this.inlineLimitBytes) === undefined);
  }

  /** The events as they go to the log. @param sessionId under which session the payloads are kept */
  pack(sessionId: string, events: readonly CloudEvent[]): Promise<CloudEvent[]> {
    return Promise.all(events.map((event) => this.packOne(sessionId, event)));
  }

  /**
   * The event with its payload, wherever that was kept.
   * Errors: {@link DormouseError} `payload_lost` when it is nowhere, or no JSON; `unavailable`.
   */
  async unpack<D>(event: CloudEvent<D>): Promise<CloudEvent<D>> {
    if (event.dataref === undefined || event.data !== undefined) return event;
    const bytes = await this.store.getBlob(event.dataref);
    if (bytes === null) throw lostPayload(event, "isn't there (any more)");
    try {
      return { ...event, data: JSON.parse(Buffer.from(bytes).toString('utf8')) as D };
    } catch (cause) {
      throw lostPayload(event, 'is no JSON', cause);
    }
  }

  private async packOne(sessionId: string, event: CloudEvent): Promise<CloudEvent> {
    if (bytesBeyond(event.data, this.inlineLimitBytes) === undefined) return event;
    const dataref = await this.store.putBlob(sessionId, Buffer.from(JSON.stringify(event.data)));
    const { data: _, ...rest } = event;
    return { ...rest, dataref };
  }
}
