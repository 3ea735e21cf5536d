import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createKafkaTransport } from '#transport';
import { eventually, freePort } from '#testing';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { boot, type Booted } from '../http/booted.js';
import { freshNames } from '../on-servers.js';
import { examine, faultsOf, findingOf, tellsWhatToDo } from './examined.js';

const HOUR_MS = 3_600_000;

let redis: RedisServer;
let brokers: string;
let environment: Record<string, string>;
let names: ReturnType<typeof freshNames>;
const cleanups: (() => unknown)[] = [];
const later = <T>(thing: T, end: (thing: T) => unknown): T => {
  cleanups.unshift(() => end(thing));
  return thing;
};
beforeAll(async () => {
  [redis, brokers] = await Promise.all([startRedisServer({ appendfsync: 'always' }), sharedKafka()]);
}, SERVER_START_MS);
afterEach(async () => {
  for (const end of cleanups.splice(0)) await end();
});
afterAll(() => redis.stop());

/** Names of its own on the servers. */
const fresh = (more: Record<string, string> = {}): void => {
  names = freshNames();
  environment = { ...names, KAFKA_BROKERS: brokers, REDIS_URL: redis.url, ...more };
};
const started = async (more: Record<string, string> = {}): Promise<Booted> =>
  later(await boot({ ...environment, DORMOUSE_AUDIT_MS: '100', ...more }), (app) => app.close());
/** A broker alone can't keep more than one copy. */
const ONE_COPY = /^copies of /;
const others = (diagnosis: Parameters<typeof faultsOf>[0]) =>
  faultsOf(diagnosis).filter(({ check }) => !ONE_COPY.test(check));

describe('doctor, on Kafka and Redis', () => {
  it('finds nothing wrong where all roles run, beside the copies that one broker can not keep', async () => {
    fresh();
    const { url } = await started();
    const diagnosis = await eventually(async () => {
      const one = await examine(environment, url);
      return findingOf(one, 'audit').state === 'well' ? one : null;
    });
    expect(others(diagnosis)).toEqual([]);
    expect(faultsOf(diagnosis)).toHaveLength(3);
    faultsOf(diagnosis).forEach(tellsWhatToDo);
    expect(diagnosis.findings.filter(({ state }) => state === 'unknown')).toEqual([]);
    expect(diagnosis.state).toBe('risk');
    expect(findingOf(diagnosis, 'processes')).toMatchObject({
      detail: expect.stringContaining('api, commander, dispatcher, scheduler'),
    });
  });

  it('makes no topics, and says that they are not there and nothing runs', async () => {
    fresh();
    const diagnosis = await examine(environment);
    expect(others(diagnosis).map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'session store',
        `topic ${names.DORMOUSE_TOPIC_INTENT}`,
        `topic ${names.DORMOUSE_TOPIC_OBSERVATION}`,
        `topic ${names.DORMOUSE_TOPIC_DEAD_LETTER}`,
      ]),
    );
    others(diagnosis).forEach(tellsWhatToDo);
    expect(findingOf(await examine(environment), `topic ${names.DORMOUSE_TOPIC_INTENT}`).state).toBe('wrong');
  });

  it('names the roles that nobody has, and the groups without members', async () => {
    fresh();
    const { url } = await started({ DORMOUSE_ROLES: 'api,commander' });
    const diagnosis = await examine(environment, url);
    expect(diagnosis.state).toBe('wrong');
    const processes = findingOf(diagnosis, 'processes');
    expect(processes).toMatchObject({
      state: 'wrong',
      came: expect.stringMatching(/none with the role dispatcher, scheduler/),
    });
    tellsWhatToDo(processes);
    tellsWhatToDo(findingOf(diagnosis, `consumers of ${names.DORMOUSE_TOPIC_INTENT}`));
    expect(findingOf(diagnosis, `consumers of ${names.DORMOUSE_TOPIC_OBSERVATION}`).state).toBe('well');
  });

  it('sees wake-ups that are not as they should be, while no scheduler runs', async () => {
    fresh();
    const app = await started({ DORMOUSE_ROLES: 'api,commander' });
    const sessions = await Promise.all(
      [1, 2, 3].map(() =>
        app.submit({ plan: { steps: [{ id: 'a', tool: 'wait', parameters: { ms: HOUR_MS } }] } }),
      ),
    );
    await Promise.all(sessions.map(({ session_id: id }) => app.reaches(id, 'waiting_tool')));
    const client = later(new Redis(redis.url), (c) => c.disconnect());
    expect(findingOf(await examine(environment, app.url), 'wake-ups').state).toBe('well');
    const keys = await client.keys(`${names.DORMOUSE_KEY_PREFIX}wake:*`);
    await client.del(...keys);
    await client.zadd(`${names.DORMOUSE_KEY_PREFIX}wake:0`, Date.now() + HOUR_MS, 'sess-nobody');
    const wakes = findingOf(await examine(environment, app.url), 'wake-ups');
    expect(wakes).toMatchObject({ state: 'wrong', came: expect.stringMatching(/^4 that are not so/) });
    tellsWhatToDo(wakes);
  });

  it('tells of records that are dead letters', async () => {
    fresh();
    const { url } = await started();
    const transport = later(await createKafkaTransport({ brokers: [brokers] }), (t) => t.close());
    const topic = names.DORMOUSE_TOPIC_OBSERVATION;
    await transport.start([{ topic, partitions: 4 }]);
    await transport.publish([{ topic, key: 'k', value: Buffer.from('no event') }]);
    const letters = await eventually(async () => {
      const found = findingOf(await examine(environment, url), 'dead letters of default');
      return found.state === 'risk' ? found : null;
    });
    expect(letters).toMatchObject({ came: '1 (invalid_event)' });
    tellsWhatToDo(letters);
  });
});

describe('doctor, on the settings of the servers', () => {
  it('compares the retention of topics with DORMOUSE_RETENTION_MS, both ways', async () => {
    fresh({ DORMOUSE_RETENTION_MS: String(24 * HOUR_MS) });
    await (await started()).close();
    cleanups.length = 0;
    const short = await examine({ ...environment, DORMOUSE_RETENTION_MS: String(48 * HOUR_MS) });
    const kept = findingOf(short, `retention of ${names.DORMOUSE_TOPIC_OBSERVATION}`);
    expect(kept).toMatchObject({ state: 'risk', came: `retention.ms ${24 * HOUR_MS}` });
    tellsWhatToDo(kept);
    const long = await examine({ ...environment, DORMOUSE_RETENTION_MS: String(HOUR_MS) });
    expect(long.state).toBe('wrong');
    tellsWhatToDo(findingOf(long, 'DORMOUSE_RETENTION_MS'));
    const parted = await examine({ ...environment, DORMOUSE_PARTITIONS: '7' });
    tellsWhatToDo(findingOf(parted, `topic ${names.DORMOUSE_TOPIC_INTENT}`));
  });

  it('finds a Redis that keeps nothing and evicts', async () => {
    fresh();
    const settings = { 'maxmemory-policy': 'allkeys-lru' };
    const careless = later(await startRedisServer({ appendfsync: 'no', settings }), (s) => s.stop());
    const diagnosis = await examine({ ...environment, REDIS_URL: careless.url });
    expect(diagnosis.state).toBe('wrong');
    expect(findingOf(diagnosis, 'Redis durability')).toMatchObject({ state: 'wrong' });
    expect(findingOf(diagnosis, 'Redis maxmemory-policy')).toMatchObject({ state: 'wrong' });
    tellsWhatToDo(findingOf(diagnosis, 'Redis durability'));
    tellsWhatToDo(findingOf(diagnosis, 'Redis maxmemory-policy'));
  });

  it('looks at the one server while the other is away', async () => {
    fresh();
    const nowhere = `127.0.0.1:${await freePort()}`;
    const withoutRedis = await examine({ ...environment, REDIS_URL: `redis://${nowhere}` });
    expect(withoutRedis.state).toBe('unreachable');
    tellsWhatToDo(findingOf(withoutRedis, 'Redis'));
    expect(findingOf(withoutRedis, 'Kafka').state).toBe('well');
    const withoutKafka = await examine({ ...environment, KAFKA_BROKERS: nowhere });
    expect(withoutKafka.state).toBe('unreachable');
    tellsWhatToDo(findingOf(withoutKafka, 'Kafka'));
    expect(findingOf(withoutKafka, 'Redis durability').state).toBe('well');
  });
});
