import { DormouseError } from '#contracts';
import type { ClaimStore, SlotStore } from '#idempotency';
import type { DeadLetterStore, DeliveryLedger, SessionStore } from '#state';
import {
  type Feed,
  type GroupLag,
  type LogRecord,
  type OutboundRecord,
  type PartitionPosition,
  type Subscription,
  type TopicDescription,
  Transport,
  type TransportCapabilities,
} from '#transport';
import type { Storage } from '../storage.js';
import { fromWire, METHODS, outboundOnWire, type Port, type PortCapabilities, type ToChild } from './wire.js';

type Answer = Extract<ToChild, { kind: 'answer' }>;
type Send = (message: { kind: 'call'; call: number; port: Port; method: string; args: unknown[] }) => void;

/** Calls of the parent's ports that are under way. */
export class RemoteCalls {
  private readonly waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (e: Error) => void }
  >();
  private calls = 0;

  constructor(private readonly send: Send) {}

  make(port: Port, method: string, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = ++this.calls;
      this.waiting.set(call, { resolve, reject });
      this.send({ kind: 'call', call, port, method, args });
    });
  }

  answered({ call, value, error }: Answer): void {
    const waiting = this.waiting.get(call);
    this.waiting.delete(call);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(fromWire(error));
  }
}

interface RemoteStores {
  sessions: SessionStore;
  claims: ClaimStore;
  slots: SlotStore;
  deadLetters: DeadLetterStore;
}

/** A store whose every call is the parent's. */
const remote = <K extends keyof RemoteStores>(calls: RemoteCalls, port: K, rest: object): RemoteStores[K] =>
  ({
    ...Object.fromEntries(
      METHODS[port].map((method) => [method, (...args: unknown[]) => calls.make(port, method, args)]),
    ),
    watch: () => () => undefined,
    close: () => Promise.resolve(),
    ...rest,
  }) as unknown as RemoteStores[K];

const REFUSED = 'a child that tries suspects reads no log';

/** The log as a child sees it: it writes to the parent's, and reads the one record that it is given. */
export class OneRecordTransport extends Transport {
  private feed: Feed | undefined;
  private given: LogRecord | undefined;

  constructor(
    private readonly calls: RemoteCalls,
    readonly capabilities: TransportCapabilities,
    private readonly finished: (offset: number) => void,
  ) {
    super();
  }

  /** Hands a record to the handlers; `finished` tells its end. */
  give(record: LogRecord): void {
    const { feed, given } = this;
    if (feed === undefined) throw new DormouseError('closed', 'expected handlers that have subscribed');
    if (given !== undefined) feed.lost([given.partition]);
    this.given = record;
    feed.assigned([{ partition: record.partition, offset: record.offset, metadata: '' }]);
    feed.records(record.partition, [record]);
  }

  async start(): Promise<void> {
    // the topics are there: a record came from one
  }

  async publish(records: readonly OutboundRecord[]): Promise<void> {
    await this.calls.make('transport', 'publish', [records.map(outboundOnWire)]);
  }

  async subscribe(_topic: string, _group: string, feed: Feed): Promise<Subscription> {
    this.feed = feed;
    return {
      pause: () => undefined,
      resume: () => undefined,
      commit: (positions) => this.commit(positions),
      close: async () => undefined,
    };
  }

  lag(): Promise<GroupLag[]> {
    return Promise.reject(new DormouseError('invalid_request', REFUSED));
  }

  describe(): Promise<TopicDescription[]> {
    return Promise.reject(new DormouseError('invalid_request', REFUSED));
  }

  members(): Promise<number> {
    return Promise.reject(new DormouseError('invalid_request', REFUSED));
  }

  retentionMs(): Promise<number | null> {
    return Promise.reject(new DormouseError('invalid_request', REFUSED));
  }

  async ping(): Promise<void> {
    await this.calls.make('transport', 'ping', []);
  }

  async close(): Promise<void> {
    this.feed = undefined;
  }

  private async commit(positions: readonly PartitionPosition[]): Promise<'committed'> {
    const { given } = this;
    for (const { partition, offset } of positions)
      if (given?.partition === partition && offset > given.offset) this.finished(given.offset);
    return 'committed';
  }
}

/** The storage of a child. */
export const remoteStorage = (
  calls: RemoteCalls,
  capabilities: PortCapabilities,
  transport: OneRecordTransport,
): Storage => ({
  sessions: remote(calls, 'sessions', { capabilities: capabilities.sessions, lastSeen: () => undefined }),
  claims: remote(calls, 'claims', { capabilities: capabilities.claims }),
  slots: remote(calls, 'slots', {}),
  deadLetters: remote(calls, 'deadLetters', {}),
  // what runs here is counted by the parent
  deliveries: {} as DeliveryLedger,
  transport,
  failed: new Promise(() => undefined),
  close: async () => undefined,
});
