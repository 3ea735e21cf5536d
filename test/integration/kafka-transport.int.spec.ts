import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import kafkajs, { type Admin } from 'kafkajs';
import { eventually, freshName } from '#testing';
import { SERVER_START_MS, sharedKafka } from '#testing/servers';
import { type Feed, type KafkaTransport, type LogRecord, createKafkaTransport } from '#transport';

const silent: Feed = {
  assigned: () => undefined,
  lost: () => undefined,
  records: () => undefined,
  failed: () => undefined,
};

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
