import { createRequire } from 'node:module';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type Admin } from 'kafkajs';
import { eventually, freshName } from '#testing';
import { SERVER_START_MS, sharedKafka } from '#testing/servers';
import {
  createKafkaTransport,
  type Feed,
  type KafkaTransport,
  KeyOrderedConsumer,
  type LogRecord,
  readTopic,
} from '#transport';

/** A request of kafkajs that writes records, as far as it is looked at here. */
interface ProduceRequest {
  acks: number;
  producerId: string;
  topicData: { topic: string; partitions: { firstSequence: number; messages: unknown[] }[] }[];
}
/** The part of kafkajs that speaks to a broker; the driver's kafkajs has the same. */
const requireInner = createRequire(import.meta.url);
const { prototype: broker } = requireInner('kafkajs/src/broker/index.js') as {
  prototype: {
    produce(this: unknown, request: ProduceRequest): Promise<unknown>;
    listOffsets(this: unknown, request: unknown): Promise<unknown>;
  };
};
const { createErrorFromCode } = requireInner('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error;
};
const NOT_LEADER = 6;

/** Sees the requests that write to a topic, and may change them on their way. */
const watchProduce = (topic: string, change: (request: ProduceRequest) => void = () => undefined) => {
  const { produce } = broker;
  const seen: ProduceRequest[] = [];
  broker.produce = function (request) {
    if (request.topicData.some((data) => data.topic === topic)) {
      seen.push(request);
      change(request);
    }
    return produce.call(this, request);
  };
  const end = (): void => {
    broker.produce = produce;
  };
  return { seen, end };
};

const silent: Feed = {
  assigned: () => undefined,
  lost: () => undefined,
  records: () => undefined,
  failed: () => undefined,
};

/** The shortest that the test's broker takes. */
const SESSION_MS = 1_000;

describe('the transport on Kafka', () => {
  let brokers = '';
  let admin: Admin;
  let opened: KafkaTransport[] = [];
  const warnings: string[] = [];
  const connect = async (options: Partial<Parameters<typeof createKafkaTransport>[0]> = {}) => {
    const warn = (message: string) => void warnings.push(message);
    const transport = await createKafkaTransport({ brokers: [brokers], warn, ...options });
    opened.push(transport);
    return transport;
  };
  beforeAll(async () => {
    brokers = await sharedKafka();
  }, SERVER_START_MS);
  beforeEach(async () => {
    admin = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterEach(async () => {
    await Promise.all(opened.map((transport) => transport.close()));
    await admin.disconnect();
    opened = [];
    warnings.length = 0;
  });

  it('waits for the leaders of a topic that was made a moment ago, when it is asked how far a group is', async () => {
    const topic = freshName('leaderless');
    const transport = await connect();
    await transport.start([{ topic, partitions: 2 }]);
    const { listOffsets } = broker;
    let refused = 0;
    broker.listOffsets = function (request) {
      return ++refused <= 3
        ? Promise.reject(createErrorFromCode(NOT_LEADER))
        : listOffsets.call(this, request);
    };
    try {
      const lag = await transport.lag(topic, 'nobody');
      expect(lag.map(({ partition, end }) => [partition, end])).toEqual([
        [0, 0],
        [1, 0],
      ]);
      expect(refused).toBeGreaterThan(3);
    } finally {
      broker.listOffsets = listOffsets;
    }
  });

  it('uses a topic that has other settings, says so, and goes by its largest batch', async () => {
    const topic = freshName('topic');
    await admin.createTopics({
      topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'max.message.bytes', value: '2000000' }] }],
    });
    const transport = await connect();
    await transport.start([{ topic, partitions: 8 }]);
    expect(warnings).toEqual([expect.stringMatching(`${topic} has 3 partitions, not 8`)]);
    const { maxRecordBytes } = transport.capabilities;
    expect(maxRecordBytes).toBeGreaterThan(1_900_000);
    await transport.publish([{ topic, key: 'k', value: Buffer.alloc(maxRecordBytes) }]);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('reads what is compressed with %s', async (compression) => {
    const topic = freshName(compression);
    const configEntries = [{ name: 'compression.type', value: compression }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
    const transport = await connect();
    await transport.start([{ topic, partitions: 1 }]);
    // more than a block of each, and not only what repeats itself
    const values = [1, 1_000, 40_000].map((length) =>
      Array.from({ length }, (_, i) => String((i * 7_919) % 10_007)).join(' '),
    );
    await transport.publish(values.map((value) => ({ topic, key: 'k', value: Buffer.from(value) })));
    const read: string[] = [];
    const failures: Error[] = [];
    const subscription = await transport.subscribe(topic, freshName('group'), {
      ...silent,
      records: (_partition, records) => read.push(...records.map(({ value }) => String(value))),
      failed: (error) => failures.push(error),
    });
    await eventually(() => read.length === values.length || failures.length > 0);
    expect(failures).toEqual([]);
    expect(read).toEqual(values);
    await subscription.close();
  });

  it('writes more than a batch holds in several, also when the topic takes less than it did', async () => {
    const topic = freshName('topic');
    const transport = await connect();
    await transport.start([{ topic, partitions: 1 }]);
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
    const configEntries = [{ name: 'max.message.bytes', value: '100000' }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
    const records = Array.from({ length: 60 }, () => ({ topic, key: 'k', value: Buffer.alloc(30_000) }));
    await transport.publish(records);
    const [partition] = await admin.fetchTopicOffsets(topic);
    expect(Number(partition!.high)).toBeGreaterThanOrEqual(60);
    const tooLarge = transport.publish([{ topic, key: 'k', value: Buffer.alloc(200_000) }]);
    await expect(tooLarge).rejects.toMatchObject({ code: 'invalid_request' });
    await transport.publish(records.slice(0, 1));
  });

  describe('writing', () => {
    const textsOf = async (transport: KafkaTransport, topic: string): Promise<string[]> => {
      const texts: string[] = [];
      await readTopic(transport, topic, freshName('reader'), (records) => {
        texts.push(...records.map(({ value }) => String(value)));
        return true;
      });
      return texts;
    };
    const begun = async () => {
      const topic = freshName('topic');
      const transport = await connect();
      await transport.start([{ topic, partitions: 1 }]);
      const publish = (...texts: string[]) =>
        transport.publish(texts.map((text) => ({ topic, key: 'k', value: Buffer.from(text) })));
      return { topic, transport, publish };
    };

    it('sends at once what comes alone, and together what comes meanwhile; all replicas acknowledge', async () => {
      const { topic, transport, publish } = await begun();
      const { seen, end } = watchProduce(topic);
      try {
        const all = [publish('0')];
        await eventually(() => seen.length === 1, { everyMs: 0 });
        for (let n = 1; n <= 100; n++) all.push(publish(String(n)));
        await Promise.all(all);
      } finally {
        end();
      }
      expect(seen.map(({ topicData }) => topicData[0]!.partitions[0]!.messages.length)).toEqual([1, 100]);
      for (const { acks, producerId } of seen) {
        expect(acks).toBe(-1);
        // an idempotent producer's
        expect(Number(producerId)).toBeGreaterThanOrEqual(0);
      }
      expect(await textsOf(transport, topic)).toEqual(Array.from({ length: 101 }, (_, n) => String(n)));
    });

    it('goes on with a new producer when the broker finds the sequence of the old one broken', async () => {
      const { topic, transport, publish } = await begun();
      await publish('0');
      let broken: string | undefined;
      const { seen, end } = watchProduce(topic, (request) => {
        broken ??= request.producerId;
        if (request.producerId !== broken) return;
        // as if records of it had been lost on the way
        for (const { partitions } of request.topicData)
          for (const partition of partitions) partition.firstSequence += 1_000;
      });
      try {
        await Promise.all(['1', '2', '3'].map((text) => publish(text)));
        await publish('4');
      } finally {
        end();
      }
      expect(new Set(seen.map(({ producerId }) => producerId)).size).toBe(2);
      expect(await textsOf(transport, topic)).toEqual(['0', '1', '2', '3', '4']);
    });
  });

  it('keeps a member whose handlers run for longer than its session, and hands nothing over twice', async () => {
    const topic = freshName('topic');
    const group = freshName('patient');
    const transport = await connect({ sessionTimeoutMs: SESSION_MS });
    await transport.start([{ topic, partitions: 2 }]);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const begun: string[] = [];
    const consumer = new KeyOrderedConsumer({
      transport,
      topic,
      group,
      handler: async ({ key }) => {
        begun.push(key ?? '');
        if (key === 'slow') await gate;
      },
    });
    await consumer.start();
    await transport.publish([{ topic, key: 'slow', value: Buffer.from('x') }]);
    await eventually(() => begun.length === 1);

    // one that dies in silence is thrown out after a session; meanwhile ours has joined anew twice
    const dying = await connect({ sessionTimeoutMs: SESSION_MS });
    await dying.start([{ topic, partitions: 2 }]);
    await dying.subscribe(topic, group, silent);
    await eventually(async () => (await transport.members(topic, group)) === 2, { timeoutMs: 15_000 });
    dying.abandon();
    await eventually(async () => (await transport.members(topic, group)) === 1, { timeoutMs: 15_000 });
    await eventually(() => consumer.owned.length === 2, { timeoutMs: 15_000 });

    const quick = Array.from({ length: 20 }, (_, n) => `quick-${n}`);
    await transport.publish(quick.map((key) => ({ topic, key, value: Buffer.from('x') })));
    await eventually(() => begun.length >= 21);
    release();
    await eventually(async () =>
      (await transport.lag(topic, group)).every(({ end, committed }) => end === committed),
    );
    await consumer.drain(0);
    expect([...begun].sort()).toEqual([...quick, 'slow'].sort());
  });

  it('is unavailable within its time when no broker answers, and says so retryably', async () => {
    const transport = await connect({ brokers: ['127.0.0.1:1'] });
    const failure = { code: 'unavailable', retryable: true };
    await expect(transport.start([{ topic: 'any', partitions: 1 }])).rejects.toMatchObject(failure);
    await expect(transport.ping()).rejects.toMatchObject(failure);
  });

  it('tells by ping that a topic was deleted', async () => {
    const topic = freshName('topic');
    const transport = await connect();
    await transport.start([{ topic, partitions: 1 }]);
    await transport.ping();
    await admin.deleteTopics({ topics: [topic] });
    const refusal = await eventually(() =>
      transport.ping().then(
        () => false,
        (error: unknown) => error,
      ),
    );
    expect(refusal).toMatchObject({ code: 'unavailable' });
  });

  it('reads on from where the log begins when what it had not read is gone', async () => {
    const topic = freshName('topic');
    const transport = await connect();
    await transport.start([{ topic, partitions: 1 }]);
    const publish = (n: number) => transport.publish([{ topic, key: 'k', value: Buffer.from(String(n)) }]);
    for (let n = 0; n < 10; n++) await publish(n);
    const group = freshName('late');
    let mine = false;
    const before = await transport.subscribe(topic, group, { ...silent, assigned: () => (mine = true) });
    await eventually(() => mine);
    expect(await before.commit([{ partition: 0, offset: 2, metadata: '' }])).toBe('committed');
    await before.close();
    // kafkajs deletes records only of a topic that it has looked at
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    const received: LogRecord[] = [];
    const records = (_: number, all: readonly LogRecord[]) => void received.push(...all);
    const subscription = await transport.subscribe(topic, group, { ...silent, records });
    await eventually(() => received.length >= 4, { timeoutMs: 15_000 });
    await publish(10);
    await eventually(() => received.length >= 5, { timeoutMs: 15_000 });
    expect(received.map(({ offset }) => offset)).toEqual([6, 7, 8, 9, 10]);
    expect(await transport.lag(topic, group)).toEqual([{ topic, partition: 0, end: 11, committed: 6 }]);
    await subscription.close();
  });
});
