import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { RuntimeProcess } from '#testing';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { freshNames } from './on-servers.js';

let redis: RedisServer;
let brokers: string;
const processes: RuntimeProcess[] = [];
beforeAll(async () => {
  const settings = { 'maxmemory-policy': 'allkeys-lru' };
  [redis, brokers] = await Promise.all([startRedisServer({ appendfsync: 'no', settings }), sharedKafka()]);
}, SERVER_START_MS);
afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.remove()));
});
afterAll(() => redis.stop());

const processOf = async (env: NodeJS.ProcessEnv): Promise<RuntimeProcess> => {
  const process = await RuntimeProcess.create({ KAFKA_BROKERS: brokers, REDIS_URL: redis.url, ...env });
  processes.push(process);
  return process;
};

it('a start says what the servers put at risk, and what it takes in the place of what was set', async () => {
  const names = freshNames();
  const first = await processOf({ ...names, DORMOUSE_PARTITIONS: '2' });
  await first.start();
  expect(first.log()).toMatch(/WARN.*expected appendonly yes; came appendonly no/);
  expect(first.log()).toMatch(/WARN.*maxmemory-policy allkeys-lru/);
  await first.end('SIGTERM');
  const second = await processOf({ ...names, DORMOUSE_PARTITIONS: '3' });
  await second.start();
  expect(second.log()).toMatch(/WARN.*has 2 partitions, not 3/);
});

it('a topic that keeps its records for longer than outcomes are remembered stops the start, which says what to do', async () => {
  const names = freshNames();
  const first = await processOf({ ...names, DORMOUSE_RETENTION_MS: '86400000' });
  await first.start();
  await first.end('SIGTERM');
  const second = await processOf({ ...names, DORMOUSE_RETENTION_MS: '3600000' });
  await expect(second.start()).rejects.toThrow(
    /DORMOUSE_RETENTION_MS: expected at least 86400000.*lower the topic's retention\.ms/,
  );
});
