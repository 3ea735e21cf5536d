import { DormouseError } from '#contracts';
import {
  type Feed,
  type GroupLag,
  type OutboundRecord,
  type Subscription,
  type TopicDescription,
  type TopicSpec,
  Transport,
  type TransportCapabilities,
} from '#transport';
import type { Line } from './line.js';
import type { LogRows } from './log-rows.js';
import { SimulatedSubscription } from './simulated-subscription.js';

const MAX_METADATA_BYTES = 4096;
const MAX_RECORD_BYTES = 1 << 20;

/** A process's way to a simulated log. */
export class SimulatedTransport extends Transport {
  readonly capabilities: TransportCapabilities = {
    driver: 'simulated',
    durability: 'power',
    shared: true,
    maxMetadataBytes: MAX_METADATA_BYTES,
    maxRecordBytes: MAX_RECORD_BYTES,
  };
  readonly subscriptions: SimulatedSubscription[] = [];
  private closed = false;

  constructor(
    private readonly server: LogRows,
    private readonly line: Line,
    /** records of one partition that a feed is handed at a time */
    private readonly batch: () => number = () => 256,
  ) {
    super();
  }

  async start(topics: readonly TopicSpec[]): Promise<void> {
    await this.call('make topics', () => {
      for (const topic of topics) this.server.make(topic);
    });
  }

  async publish(records: readonly OutboundRecord[]): Promise<void> {
    if (this.closed) throw closedError();
    for (const { topic, value } of records) {
      this.server.topic(topic);
      if (value.length > MAX_RECORD_BYTES)
        throw new DormouseError(
          'invalid_request',
          `a record of ${value.length} bytes: expected at most ${MAX_RECORD_BYTES}`,
        );
    }
    if (records.length === 0) return;
    const copies = records.map((record) => ({ ...record, value: Buffer.from(record.value) }));
    await this.line.call(
      `publish ${copies.map(({ topic, value }) => `${topic}: ${nameOf(value)}`).join(', ')}`,
      () => {
        this.server.append(copies);
      },
      {
        inOrder: true,
        part: () => {
          this.server.append(copies.slice(0, Math.floor(copies.length / 2)));
        },
      },
    );
  }

  async subscribe(topic: string, group: string, feed: Feed): Promise<Subscription> {
    return this.call(`join ${group}`, () => {
      // a member that is gone by then is none
      if (this.closed) throw closedError();
      const { partitions, readers } = this.server.topic(topic);
      const subscription = new SimulatedSubscription({
        line: this.line,
        feed,
        group: this.server.group(topic, group),
        partitions,
        readers,
        batch: this.batch,
        maxMetadataBytes: MAX_METADATA_BYTES,
      });
      this.subscriptions.push(subscription);
      subscription.join();
      return subscription;
    });
  }

  lag(topic: string, group: string): Promise<GroupLag[]> {
    return this.call(`lag of ${group}`, () => {
      const { positions } = this.server.group(topic, group);
      return this.server.topic(topic).partitions.map((records, partition) => ({
        topic,
        partition,
        end: records.length,
        committed: positions[partition]?.offset ?? 0,
      }));
    });
  }

  describe(topics: readonly string[]): Promise<TopicDescription[]> {
    return this.call(`describe ${topics.join(', ')}`, () =>
      topics.map((topic) => ({
        topic,
        partitions: this.server.has(topic) ? this.server.topic(topic).partitions.length : 0,
        replicas: 1,
        leastReplicas: 1,
        retentionMs: Infinity,
        maxBatchBytes: this.capabilities.maxRecordBytes,
        compacted: false,
      })),
    );
  }

  members(topic: string, group: string): Promise<number> {
    return this.call(`members of ${group}`, () => this.server.group(topic, group).members.length);
  }

  retentionMs(topic: string): Promise<number> {
    return this.call(`retention of ${topic}`, () => {
      this.server.topic(topic);
      return Infinity;
    });
  }

  async ping(): Promise<void> {
    await this.call('ping', () => undefined);
  }

  close(): Promise<void> {
    this.closed = true;
    for (const subscription of this.subscriptions) subscription.stop();
    return Promise.resolve();
  }

  private async call<T>(what: string, effect: () => T): Promise<T> {
    if (this.closed) throw closedError();
    return this.line.call(what, effect, { inOrder: true, once: true });
  }
}

const closedError = (): DormouseError =>
  new DormouseError('closed', 'expected an open transport, but it was closed');

/** The id of an event, for the trace. */
const nameOf = (value: Buffer): string => /"id":"([^"]*)"/.exec(value.toString('latin1'))?.[1] ?? '';
