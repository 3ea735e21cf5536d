import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { METRICS } from '#telemetry';
import { eventually } from '#testing';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { boot } from '../e2e/http/booted.js';
import { scrape } from '../e2e/http/prometheus.js';
import { freshNames } from '../e2e/on-servers.js';

const SESSIONS = 60;
const WAIT_MS = 1_200;
const WAITS = 3;
/** How often all wake-ups are deleted while the sessions run. */
const LOSSES = 12;

let redis: RedisServer;
let KAFKA_BROKERS: string;
beforeAll(async () => {
  [redis, KAFKA_BROKERS] = await Promise.all([startRedisServer(), sharedKafka()]);
}, SERVER_START_MS);
afterAll(() => redis.stop());

it('sessions whose wake-ups are deleted again and again come to their end', async () => {
  const names = freshNames();
  const app = await boot({ ...names, KAFKA_BROKERS, REDIS_URL: redis.url, DORMOUSE_AUDIT_MS: '200' });
  const client = new Redis(redis.url);
  try {
    // nobody but the sweeper ends a wait
    const steps = Array.from({ length: WAITS }, (_, i) => ({
      id: `w${i}`,
      tool: 'wait',
      parameters: { ms: WAIT_MS },
    }));
    const sessions = await Promise.all(
      Array.from({ length: SESSIONS }, () => app.submit({ plan: { steps } })),
    );
    const keys = Array.from({ length: 16 }, (_, shard) => `${names.DORMOUSE_KEY_PREFIX}wake:${shard}`);
    const loseAll = async (): Promise<number> => {
      const counts = await Promise.all(keys.map((key) => client.zcard(key)));
      await client.del(...keys);
      return counts.reduce((sum, count) => sum + count, 0);
    };
    let deleted = 0;
    for (let losses = 0; losses < LOSSES; losses++)
      deleted += await eventually(async () => (await loseAll()) || null, { everyMs: 100 });
    expect(deleted).toBeGreaterThanOrEqual(SESSIONS);
    const ended = await Promise.all(sessions.map(({ session_id }) => app.ended(session_id)));
    expect(ended.map(({ status }) => status)).toEqual(sessions.map(() => 'completed'));
    expect((await scrape(app.url)).of(METRICS.audit.repaired, { fault: 'missing' })).toBeGreaterThan(0);
  } finally {
    client.disconnect();
    await app.close();
  }
});
