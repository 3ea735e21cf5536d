import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { Cluster, Redis } from 'ioredis';
import { eventually, freshName } from '#testing';
import {
  SERVER_START_MS,
  sharedKafka,
  sharedRedis,
  startKafkaServer,
  startRedisCluster,
  startRedisServer,
} from '#testing/servers';

const cleanups: (() => Promise<unknown>)[] = [];
const later = <T>(thing: T, end: (thing: T) => Promise<unknown>): T => {
  cleanups.unshift(() => end(thing));
  return thing;
};
const endAll = async (): Promise<void> => {
  for (const end of cleanups.splice(0)) await end();
};
afterEach(endAll);

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const redisAt = (url: string): Redis =>
  later(new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null }), async (client) =>
    client.disconnect(),
  );

describe('where nothing can be run', () => {
  it.each([
    ['Redis', startRedisServer, /set REDIS_URL; start a Docker engine; install redis-server/],
    [
      'Kafka',
      startKafkaServer,
      /set KAFKA_BROKERS; start a Docker engine; install Java 17 or later and Maven/,
    ],
  ])('one message says what %s needs', async (_name, start, message) => {
    const path = process.env.PATH;
    process.env.PATH = '';
    try {
      await expect(start()).rejects.toThrow(message);
    } finally {
      process.env.PATH = path;
    }
  });
});

describe('a Redis of our own', () => {
  it(
    'is empty, keeps what it acknowledged over kill -9, and is gone after stop',
    async () => {
      const server = later(await startRedisServer({ appendfsync: 'always' }), (s) => s.stop());
      const client = redisAt(server.url);
      expect(await client.dbsize()).toBe(0);
      expect(await client.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always']);
      await client.set('a', '1');
      const first = server.pid!;
      await server.kill9();
      expect(alive(first)).toBe(false);
      await server.restart();
      expect(server.pid).not.toBe(first);
      expect(await client.get('a')).toBe('1');
      client.disconnect();
      await server.stop();
      expect(alive(server.pid!)).toBe(false);
    },
    SERVER_START_MS,
  );

  it(
    'writes nothing to disk when told so',
    async () => {
      const server = later(await startRedisServer({ appendfsync: 'no' }), (s) => s.stop());
      expect(await redisAt(server.url).config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
    },
    SERVER_START_MS,
  );

  it(
    'ends when the process that it was started for is killed',
    async () => {
      const owner = spawn('sleep', ['600']);
      const server = later(await startRedisServer({ owner: owner.pid! }), (s) => s.stop());
      owner.kill('SIGKILL');
      await eventually(() => !alive(server.pid!), { timeoutMs: 10_000 });
    },
    SERVER_START_MS,
  );
});

describe('a Redis Cluster of our own', () => {
  it(
    'takes keys of every slot',
    async () => {
      const cluster = later(await startRedisCluster(3), (c) => c.stop());
      expect(cluster.nodes).toHaveLength(3);
      const hosts = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
      const client = later(new Cluster(hosts), async (c) => c.disconnect());
      const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`);
      await Promise.all(keys.map((key) => client.set(key, key)));
      const sizes = await Promise.all(client.nodes('master').map((node) => node.dbsize()));
      expect(sizes).toHaveLength(3);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      expect(sizes.reduce((a, b) => a + b)).toBe(100);
    },
    SERVER_START_MS,
  );
});

describe('a Kafka of our own', () => {
  it(
    'lets a group join at once, keeps records over kill -9, and is gone after stop',
    async () => {
      const server = later(await startKafkaServer(), (s) => s.stop());
      const kafka = new kafkajs.Kafka({
        brokers: [server.brokers],
        logLevel: kafkajs.logLevel.NOTHING,
        retry: { retries: 100, maxRetryTime: 200 },
      });
      const topic = freshName('topic');
      const admin = later(kafka.admin(), (a) => a.disconnect());
      const producer = later(kafka.producer(), (p) => p.disconnect());
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
      await producer.connect();
      await producer.send({ topic, acks: -1, messages: [{ key: 'k', value: 'before' }] });
      const first = server.pid!;
      await server.kill9();
      expect(alive(first)).toBe(false);
      await server.restart();

      const group = { groupId: freshName('group'), sessionTimeout: 1_000, heartbeatInterval: 300 };
      const consumer = later(kafka.consumer(group), (c) => c.disconnect());
      const seen: string[] = [];
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
      await eventually(() => seen.includes('before'), { timeoutMs: 20_000 });
      const pid = server.pid!;
      await endAll();
      expect(alive(pid)).toBe(false);
    },
    SERVER_START_MS,
  );
});

describe('the servers of this run', () => {
  it(
    'are one, whoever asks',
    async () => {
      expect(await Promise.all([sharedRedis(), sharedRedis()])).toEqual([
        await sharedRedis(),
        await sharedRedis(),
      ]);
      expect(await redisAt(await sharedRedis()).ping()).toBe('PONG');
      expect(await sharedKafka()).toMatch(/^[^:]+:\d+/);
    },
    SERVER_START_MS,
  );
});
