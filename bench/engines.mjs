// What an engine needs beside the runtime, and what it tells of itself.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { cpuMs } from './runtime-process.mjs';

/**
 * @typedef {object} Engine
 * @property {() => Record<string, string>} settings of a runtime with nothing in its log and stores
 * @property {(server: import('./server.mjs').Server) => Promise<Record<string, number>>} kept bytes that it keeps, by where
 * @property {() => number | undefined} serversCpuMs CPU time of the servers that it brought up
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Engine>} */
const embedded = async () => ({
  // whatever this shell is set up for
  settings: () => ({ KAFKA_BROKERS: '', REDIS_URL: '' }),
  kept: async ({ dataDir }) => {
    const [bytes] = execFileSync('du', ['-s', '-B1', path.join(dataDir, 'engine')])
      .toString()
      .split('\t');
    return { disk: Number(bytes) };
  },
  serversCpuMs: () => undefined,
  stop: async () => undefined,
});

/** A test's broker lives for seconds and compiles little; this one has work to do. */
const JVM = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC'];

/** The servers that the environment names, or our own. */
export const servers = async () => {
  const { KAFKA_BROKERS: brokers, REDIS_URL: redis } = process.env;
  if (brokers && redis) return { brokers, redis, pids: [], stop: async () => undefined };
  if (brokers || redis)
    throw new Error('expected KAFKA_BROKERS and REDIS_URL, or neither of them; got one without the other');
  // built from libs/testing, as all that the bench runs is
  const { startKafkaServer, startRedisServer } = await import('#testing/servers');
  const started = await Promise.all([startKafkaServer({ jvm: JVM }), startRedisServer()]);
  const [kafka, own] = started;
  return {
    brokers: kafka.brokers,
    redis: own.url,
    pids: [kafka.pid, own.pid].filter((pid) => pid !== undefined),
    stop: async () => void (await Promise.all(started.map((server) => server.stop()))),
  };
};

/** @returns {Promise<Engine>} */
const kafka = async () => {
  const { brokers, redis, pids, stop } = await servers();
  const { Redis } = await import('ioredis');
  const client = new Redis(redis.split(',')[0]);
  return {
    settings: () => {
      const name = `bench-${randomBytes(4).toString('hex')}`;
      return {
        KAFKA_BROKERS: brokers,
        REDIS_URL: redis,
        DORMOUSE_KEY_PREFIX: `${name}:`,
        DORMOUSE_TOPIC_INTENT: `${name}.intent`,
        DORMOUSE_TOPIC_OBSERVATION: `${name}.observation`,
        DORMOUSE_TOPIC_DEAD_LETTER: `${name}.dead-letter`,
        DORMOUSE_GROUP_COMMANDER: `${name}.commander`,
        DORMOUSE_GROUP_DISPATCHER: `${name}.dispatcher`,
      };
    },
    kept: async () => {
      const memory = await client.info('memory');
      return { redis: Number(/^used_memory_dataset:(\d+)/m.exec(memory)?.[1]) };
    },
    serversCpuMs: () => (pids.length === 0 ? undefined : pids.reduce((sum, pid) => sum + cpuMs(pid), 0)),
    stop: async () => {
      client.disconnect();
      await stop();
    },
  };
};

export const ENGINES = { embedded, kafka };
