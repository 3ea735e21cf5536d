import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Timeline } from '#contracts';
import type { RebuildReport } from '#rebuild';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { type Booted, boot, quick } from './http/booted.js';
import { commandLine, type Ran } from './http/command-line.js';
import { freshNames } from './on-servers.js';

const INLINE_LIMIT = 2_000;

let redis: RedisServer;
let settings: Record<string, string>;
beforeAll(async () => {
  redis = await startRedisServer();
  settings = {
    ...freshNames(),
    KAFKA_BROKERS: await sharedKafka(),
    REDIS_URL: redis.url,
    DORMOUSE_INLINE_LIMIT: `${INLINE_LIMIT}`,
  };
}, SERVER_START_MS);
afterAll(() => redis.stop());

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

/** `dormouse rebuild` where these settings are the environment. */
const rebuild = (env: Record<string, string>, ...options: string[]): Promise<Ran> => {
  process.env = { ...environment, KAFKA_BROKERS: '', REDIS_URL: '', ...env };
  return commandLine('http://127.0.0.1:1', [...options, 'rebuild']);
};

/** Has a runtime do something, which is over when this resolves. */
const running = async <T>(use: (app: Booted) => Promise<T>): Promise<T> => {
  const app = await boot(settings);
  try {
    return await use(app);
  } finally {
    await app.close();
  }
};

const sight = async (app: Booted, id: string): Promise<{ session: unknown; timeline: Timeline }> => ({
  session: (await app.call('GET', `/v1/sessions/${id}`)).body,
  timeline: await app.timeline(id),
});

it('is refused while nothing is lost, and makes the sessions again when all is: exit codes 1 and 0', async () => {
  const { id, before } = await running(async (app) => {
    const { session_id: id } = await app.submit(quick({ x: 1 }));
    await app.ended(id);
    return { id, before: await sight(app, id) };
  });
  expect(await rebuild(settings)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('in use') });

  await redis.flushAll();
  // a start takes the empty store for what it is
  await running(async (app) => {
    expect(await app.call('GET', `/v1/sessions/${id}`)).toMatchObject({
      status: 503,
      body: { code: 'store_emptied' },
    });
  });
  const { code, out, err } = await rebuild(settings, '--json');
  expect([code, err]).toEqual([0, '']);
  expect(JSON.parse(out) as RebuildReport).toMatchObject({ sessions: 1, unfinished: 0, damaged: 0 });
  expect(await running((app) => sight(app, id))).toEqual(before);
  expect((await rebuild(settings)).code).toBe(1);
});

it('names the sessions that have lost a payload: exit code 3', async () => {
  const id = await running(async (app) => {
    const { session_id } = await app.submit(quick({ x: 'x'.repeat(2 * INLINE_LIMIT) }));
    await app.ended(session_id);
    return session_id;
  });
  await redis.flushAll();
  const { code, out, err } = await rebuild(settings);
  expect(code).toBe(3);
  expect(out).toMatch(/^2 sessions rebuilt from \d+ records/);
  expect(out).toMatch(new RegExp(`1 are not what they were:\n +${id}: `));
  expect(err).toMatch(/^reading .*: \d+ of \d+ records/);
});

it('has nothing to do for the embedded engine: exit code 1', async () => {
  expect(await rebuild({})).toMatchObject({ code: 1, err: expect.stringContaining('nothing to rebuild') });
});

it('says which server it cannot reach: exit code 5', async () => {
  const nowhere = { KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1' };
  expect(await rebuild(nowhere)).toMatchObject({ code: 5, err: expect.stringContaining('127.0.0.1:1') });
});
