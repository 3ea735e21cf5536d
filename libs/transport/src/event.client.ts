import { Injectable } from '@nestjs/common';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { type CloudEvent, DormouseError, type Journaled } from '#contracts';
import { checkAttributes, describeInvalid } from './event-attributes.js';
import { encodeEvent } from './event-codec.js';
import { type OutboundRecord, Transport } from './port.js';

const noAnswers = (): DormouseError =>
  new DormouseError(
    'invalid_request',
    'events have no answers: use publish or emit, and expect an event in return',
  );

const asEvent = (data: unknown): CloudEvent => {
  if (typeof data !== 'object' || data === null) {
    throw new DormouseError(
      'invalid_event',
      `expected a CloudEvent, came ${data === null ? 'null' : typeof data}`,
    );
  }
  const decoded = checkAttributes({ ...data });
  if (decoded.event !== undefined) return decoded.event;
  throw new DormouseError('invalid_event', describeInvalid(decoded.invalid));
};

/** Writes events to the log, in structured mode, under the session id as key. */
@Injectable()
export class EventClient extends ClientProxy {
  constructor(private readonly transport: Transport) {
    super();
  }

  /** Where the log's writes go. */
  get log(): Journaled {
    return this.transport.capabilities;
  }

  /**
   * Resolves when the log has acknowledged every event; their order is kept within a session. A rejected call may have
   * written some: publish all of them again, their ids make that safe.
   *
   * @throws DormouseError `unavailable`, `closed`, `invalid_request` of the transport; `invalid_event`: no session id
   */
  override publish(topic: string, events: readonly CloudEvent[]): Promise<void>;
  /** Nest's side of requests; refused. */
  override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void;
  override publish(
    target: string | ReadPacket,
    given: readonly CloudEvent[] | ((packet: WritePacket) => void),
  ): Promise<void> | (() => void) {
    if (typeof target === 'string' && typeof given !== 'function') return this.write(target, given);
    if (typeof given === 'function') given({ err: noAnswers(), isDisposed: true });
    return () => undefined;
  }

  /** How many records of a topic a group hasn't finished. Errors: as {@link publish} */
  async backlog(topic: string, group: string): Promise<number> {
    const lags = await this.transport.lag(topic, group);
    return lags.reduce((sum, { end, committed }) => sum + (end - committed), 0);
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing: the transport is its module's to close. */
  close(): void {
    // see above
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- Nest's signature
  unwrap<T>(): T {
    return this.transport as T;
  }

  /** `emit(topic, event)`: what it returns completes when the log has acknowledged the event. */
  protected async dispatchEvent<T>(packet: ReadPacket<unknown>): Promise<T> {
    const topic: unknown = packet.pattern;
    if (typeof topic !== 'string')
      throw new DormouseError('invalid_request', 'emit(topic, event): the topic is a text');
    await this.write(topic, [asEvent(packet.data)]);
    return undefined as T;
  }

  private write(topic: string, events: readonly CloudEvent[]): Promise<void> {
    if (events.length === 0) return Promise.resolve();
    let records: OutboundRecord[];
    try {
      records = events.map((event) => encodeEvent(topic, event));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return this.transport.publish(records);
  }
}
