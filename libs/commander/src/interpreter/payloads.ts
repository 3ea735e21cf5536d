import type { CloudEvent } from '#contracts';
import type { SessionStore } from '#state';
import { DeadLetterError } from '#transport';
import { bytesBeyond } from '../json-size.js';

/** Keeps payloads out of the log that are too large for it: they lie in the store, the event says where (`dataref`). */
export class Payloads {
  constructor(
    private readonly store: SessionStore,
    private readonly inlineLimitBytes: number,
  ) {}

  /** The events as they go to the log. */
  async pack(sessionId: string, events: readonly CloudEvent[]): Promise<CloudEvent[]> {
    return Promise.all(events.map((event) => this.packOne(sessionId, event)));
  }

  /** Whether any of these needs {@link pack}. */
  fits(events: readonly CloudEvent[]): boolean {
    return events.every((event) => bytesBeyond(event.data, this.inlineLimitBytes) === undefined);
  }

  /**
   * The event with its payload, wherever that was kept.
   * Errors: {@link DeadLetterError} `invalid_event` when it is nowhere, or no JSON.
   */
  async unpack(event: CloudEvent): Promise<CloudEvent> {
    if (event.dataref === undefined || event.data !== undefined) return event;
    const bytes = await this.store.getBlob(event.dataref);
    if (bytes === null)
      throw new DeadLetterError(
        'invalid_event',
        `The payload of ${event.id} isn't at ${event.dataref} (any more).`,
      );
    try {
      return { ...event, data: JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown };
    } catch (cause) {
      throw new DeadLetterError(
        'invalid_event',
        `The payload of ${event.id} at ${event.dataref} is no JSON.`,
        {
          cause,
        },
      );
    }
  }

  private async packOne(sessionId: string, event: CloudEvent): Promise<CloudEvent> {
    if (bytesBeyond(event.data, this.inlineLimitBytes) === undefined) return event;
    const dataref = await this.store.putBlob(sessionId, Buffer.from(JSON.stringify(event.data)));
    const { data: _, ...rest } = event;
    return { ...rest, dataref };
  }
}
