import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type KafkaServer, SERVER_START_MS, startKafkaServer } from '#testing/servers';
import { WorkedTopic } from './worked-topic.js';

describe('consumers on Kafka', () => {
  let server: KafkaServer;
  let worked: WorkedTopic | undefined;
  beforeAll(async () => {
    server = await startKafkaServer();
  }, SERVER_START_MS);
  afterEach(async () => {
    await worked?.close();
    worked = undefined;
  });
  afterAll(async () => {
    await server.stop();
  });

  it('lose nothing, keep the order of keys and repeat nothing that was committed while members come and go', async () => {
    const { brokers } = server;
    const options = { brokers, partitions: 6, keys: 60, sessionTimeoutMs: 6_000, workMs: 20 };
    worked = await WorkedTopic.open(options);
    await worked.join();
    await worked.progress(5);
    for (let round = 0; round < 3; round++) {
      await worked.commits();
      const other = await worked.join();
      await worked.shared();
      await worked.progress(5);
      await worked.commits();
      await worked.leave(other);
      await worked.shared();
      await worked.progress(5);
    }
    await worked.finish();
    expect(worked.faults).toEqual([]);
    const { records, repeats } = worked.counts;
    expect(records).toBeGreaterThan(60 * 35);
    expect(worked.returned).toEqual([]);
    // how much that leaves depends on how fast records and rebalances are: 3 to 15 % here
    expect(repeats).toBeLessThan(records / 2);
    expect(worked.refusals).toEqual([]);
  });

  it('go on when the broker was killed and came back', async () => {
    const { brokers } = server;
    const options = { brokers, partitions: 4, keys: 20, sessionTimeoutMs: 2_000, workMs: 20 };
    worked = await WorkedTopic.open(options);
    await worked.join();
    await worked.join();
    await worked.shared();
    await worked.progress(5);
    await server.kill9();
    await expect(worked.transport.ping()).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await server.restart();
    await worked.progress(20);
    await worked.finish();
    expect(worked.faults).toEqual([]);
    await worked.transport.ping();
  });
});
