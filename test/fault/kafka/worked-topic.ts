import { DormouseError } from '#contracts';
import { eventually, freshName } from '#testing';
import { type KafkaTransport, KeyOrderedConsumer, createKafkaTransport } from '#transport';

export interface WorkedTopicOptions {
  brokers: string;
  partitions: number;
  keys: number;
  sessionTimeoutMs: number;
  /** how long a handler runs, at most */
  workMs: number;
}

interface Worker {
  transport: KafkaTransport;
  consumer: KeyOrderedConsumer;
}

/** A topic that is written and worked all the time, and the book of what was begun. */
export class WorkedTopic {
  readonly topic = freshName('worked');
  readonly group = freshName('group');
  /** by key: the numbers in the order in which they were begun, repeats included */
  private readonly begun = new Map<string, number[]>();
  private readonly published: number[];
  /** `<partition>:<offset>` of all that was begun */
  private readonly seen = new Set<string>();
  /** by partition: all below was committed when it was last looked at */
  private readonly committed = new Map<number, number>();
  /** begun again although it had been committed */
  readonly returned: string[] = [];
  private readonly troubles = new Set<string>();
  private readonly workers: Worker[] = [];
  private publishing = true;
  private publishers: Promise<void>[] = [];

  private constructor(
    private readonly options: WorkedTopicOptions,
    readonly transport: KafkaTransport,
  ) {
    this.published = Array.from({ length: options.keys }, () => 0);
  }

  static async open(options: WorkedTopicOptions): Promise<WorkedTopic> {
    const transport = await this.connect(options);
    const worked = new WorkedTopic(options, transport);
    await transport.start([{ topic: worked.topic, partitions: options.partitions }]);
    worked.publishers = worked.published.map((_, key) => worked.publish(key));
    return worked;
  }

  private static connect({ brokers, sessionTimeoutMs }: WorkedTopicOptions): Promise<KafkaTransport> {
    return createKafkaTransport({ brokers: [brokers], sessionTimeoutMs, publishTimeoutMs: 2_000 });
  }

  /** One more process that works. */
  async join(): Promise<KeyOrderedConsumer> {
    const { topic, group, options } = this;
    const transport = await WorkedTopic.connect(options);
    await transport.start([{ topic, partitions: options.partitions }]);
    const consumer = new KeyOrderedConsumer({
      transport,
      topic,
      group,
      handler: async (record) => {
        const [key = '', n] = record.value!.toString().split('#');
        this.begun.set(key, [...(this.begun.get(key) ?? []), Number(n)]);
        const place = `${record.partition}:${record.offset}`;
        if (this.seen.has(place) && record.offset < (this.committed.get(record.partition) ?? 0))
          this.returned.push(place);
        this.seen.add(place);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * options.workMs));
      },
    });
    this.workers.push({ transport, consumer });
    await consumer.start();
    return consumer;
  }

  /** A process that works ends in order. */
  async leave(consumer: KeyOrderedConsumer): Promise<void> {
    await consumer.drain(2_000);
    const index = this.workers.findIndex((worker) => worker.consumer === consumer);
    const [worker] = this.workers.splice(index, 1);
    await worker?.transport.close();
  }

  /** Waits until each of those who work has its share of the partitions. */
  async shared(): Promise<void> {
    const fair = Math.floor(this.options.partitions / this.workers.length);
    await eventually(() => this.workers.every(({ consumer }) => consumer.stats.partitions >= fair), {
      what: 'an even share',
      timeoutMs: 30_000,
    });
  }

  /** Waits until every key has got so many records further. */
  async progress(records: number): Promise<void> {
    const before = this.least();
    await eventually(() => this.least() >= before + records, {
      what: `${records} more of each key`,
      timeoutMs: 30_000,
    });
  }

  /** Waits until each partition's committed position has gone on, and notes it: nothing below may be begun again. */
  async commits(): Promise<void> {
    await eventually(
      async () => {
        const lag = await this.transport.lag(this.topic, this.group);
        const further = lag.filter(
          ({ partition, committed }) => committed > (this.committed.get(partition) ?? 0),
        );
        if (further.length < this.options.partitions) return false;
        for (const { partition, committed } of further) this.committed.set(partition, committed);
        return true;
      },
      { what: 'every partition committed further', timeoutMs: 30_000, everyMs: 50 },
    );
  }

  /** No more is published; waits until all of it has been worked and is committed. */
  async finish(): Promise<void> {
    this.publishing = false;
    await Promise.all(this.publishers);
    await eventually(
      async () => {
        const lag = await this.transport.lag(this.topic, this.group);
        return lag.length > 0 && lag.every(({ end, committed }) => end === committed);
      },
      { what: 'everything committed', timeoutMs: 30_000, everyMs: 100 },
    );
  }

  /** Keys of which something was never begun, or begun for the first time out of order. */
  get faults(): string[] {
    return this.published.flatMap((count, key) => {
      const firsts = [...new Set(this.begun.get(`k${key}`) ?? [])];
      const right = firsts.length === count && firsts.every((n, i) => n === i);
      return right ? [] : [`k${key}: published ${count}, begun ${firsts.join(' ')}`];
    });
  }

  /** How many records there were, and how often one was begun again. */
  get counts(): { records: number; repeats: number } {
    const records = this.published.reduce((sum, count) => sum + count, 0);
    const begun = [...this.begun.values()].reduce((sum, numbers) => sum + numbers.length, 0);
    return { records, repeats: begun - records };
  }

  /** the codes of the errors that publishers got */
  get refusals(): string[] {
    return [...this.troubles];
  }

  async close(): Promise<void> {
    this.publishing = false;
    await Promise.all(this.publishers);
    for (const { consumer } of [...this.workers]) await this.leave(consumer);
    await this.transport.close();
  }

  private least(): number {
    return Math.min(...this.published.map((_, key) => new Set(this.begun.get(`k${key}`) ?? []).size));
  }

  /** One record of the key after the other; one that was refused is published again. */
  private async publish(key: number): Promise<void> {
    let refused = false;
    // what was refused may be there: it is published until it is known to be
    for (let n = 0; this.publishing || refused;) {
      const value = Buffer.from(`k${key}#${n}`);
      try {
        await this.transport.publish([{ topic: this.topic, key: `k${key}`, value }]);
        refused = false;
        this.published[key] = ++n;
      } catch (error) {
        if (!DormouseError.is(error) || !error.retryable) throw error;
        this.troubles.add(error.code);
        refused = true;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
