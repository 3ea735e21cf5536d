import { Buffer } from 'node:buffer';
import type { CloudEvent } from '#contracts';
import type { SessionStore } from '#state';
import { DeadLetterError } from '#transport';

/** A UTF-16 unit of text becomes at most six bytes of JSON (an escaped control character). */
const MOST_BYTES_PER_UNIT = 6;

/** Units of text in a value's JSON, roughly and never too many by much; stops counting past `enough`. */
const units = (value: unknown, enough: number): number => {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 24;
  let sum = 2;
  for (const [key, part] of Object.entries(value)) {
    sum += key.length + 4 + units(part, enough - sum);
    if (sum > enough) break;
  }
  return sum;
};

/** Keeps payloads out of the log that are too large for it: they lie in the store, and the event says where. */
export class Payloads {
  constructor(
    private readonly sessions: SessionStore,
    private readonly inlineLimitBytes: number,
  ) {}

  /** Surely small enough for the log; told without writing it out. */
  fits(event: CloudEvent): boolean {
    const surely = this.inlineLimitBytes / MOST_BYTES_PER_UNIT;
    return units(event.data, surely) <= surely;
  }

  /** The event as it goes to the log. @param keySession under which session the payload is kept */
  async pack(keySession: string, event: CloudEvent): Promise<CloudEvent> {
    const { data, ...rest } = event;
    const text = JSON.stringify(data) as string | undefined;
    if (text === undefined || Buffer.byteLength(text) <= this.inlineLimitBytes) return event;
    return { ...rest, dataref: await this.sessions.putBlob(keySession, Buffer.from(text)) };
  }

  /**
   * The event with its payload, wherever that was kept.
   * Errors: {@link DeadLetterError} `invalid_event` when it is nowhere, or no JSON; `unavailable`.
   */
  async unpack<D>(event: CloudEvent<D>): Promise<CloudEvent<D>> {
    if (event.dataref === undefined || event.data !== undefined) return event;
    const bytes = await this.sessions.getBlob(event.dataref);
    if (bytes === null)
      throw new DeadLetterError(
        'invalid_event',
        `the payload of ${event.id} isn't at ${event.dataref} (any more)`,
      );
    try {
      return { ...event, data: JSON.parse(Buffer.from(bytes).toString('utf8')) as D };
    } catch (cause) {
      throw new DeadLetterError(
        'invalid_event',
        `the payload of ${event.id} at ${event.dataref} is no JSON`,
        { cause },
      );
    }
  }
}
