import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Submission } from '#contracts';
import { METRICS } from '#telemetry';
import { eventually } from '#testing';
import { type RedisServer, SERVER_START_MS, sharedKafka, startRedisServer } from '#testing/servers';
import { boot, type Booted, echo } from '../http/booted.js';
import { type Scrape, scrape } from '../http/prometheus.js';
import { freshNames } from '../on-servers.js';
import { listen } from './redis-commands.js';

const STEPS = 3;
const SESSIONS = 100;
/** Sessions that are run one after the other: the best of them meets no pause of the machine. */
const ALONE = 10;
const PAD = 'x'.repeat(240);

const pure: Submission = { plan: { steps: [echo('a', PAD), echo('b', PAD), echo('c', PAD)] } };
const irreversible: Submission = {
  plan: {
    steps: ['a', 'b', 'c'].map((id) => ({
      id,
      tool: 'lose_track',
      parameters: { sure: true, value: PAD },
    })),
  },
};

/** Many at once, to their ends; asks no store meanwhile. */
const runAll = async (app: Booted, submission: Submission, sessions: number): Promise<void> => {
  const completed = async (): Promise<number> =>
    (await scrape(app.url)).of(METRICS.session.entered, { status: 'completed' });
  const before = await completed();
  await Promise.all(Array.from({ length: sessions }, () => app.submit(submission)));
  await eventually(async () => (await completed()) === before + sessions, { what: 'all have completed' });
};

/** By how much a counter grew. */
const grown = async (
  app: Booted,
  run: () => Promise<void>,
): Promise<(name: string, topic?: string) => number> => {
  const read = (of: Scrape, name: string, topic?: string): number =>
    topic === undefined ? of.of(name) : of.of(name, topic === 'intent' ? INTENTS : OBSERVATIONS);
  const before = await scrape(app.url);
  await run();
  const after = await scrape(app.url);
  return (name, topic) => read(after, name, topic) - read(before, name, topic);
};
const INTENTS = { topic: 'agent.intent', group: 'dispatcher_group' };
const OBSERVATIONS = { topic: 'agent.observation', group: 'commander_group' };

/** What a session may cost, in counts, which no other work on the machine changes. Whoever raises one says why. */
describe('what a session of three tool calls costs', () => {
  let app: Booted;
  afterEach(() => app.close());

  describe('on the embedded engine', () => {
    const { batches, bytes, flushes } = METRICS.journal;

    it.each([
      ['pure', pure],
      ['irreversible', irreversible],
    ])(
      '%s: its creation, three calls and their results, and a last commit are eight records',
      async (_, plan) => {
        app = await boot();
        const count = await grown(app, () => runAll(app, plan, SESSIONS));
        expect(count(METRICS.consumer.finished, 'observation')).toBe(SESSIONS * (1 + STEPS));
        expect(count(METRICS.consumer.finished, 'intent')).toBe(SESSIONS * (STEPS + 1));
      },
    );

    it.each([
      ['pure', pure, 8_600],
      ['irreversible', irreversible, 10_500],
    ])('%s: bytes of the journal a step', async (_, plan, most) => {
      app = await boot();
      const count = await grown(app, () => runAll(app, plan, SESSIONS));
      expect(count(bytes) / SESSIONS / STEPS).toBeLessThan(most);
    });

    it('many at once share the flushes of the disk', async () => {
      app = await boot({ DORMOUSE_DURABILITY: 'power' });
      const count = await grown(app, () => runAll(app, pure, SESSIONS));
      expect(count(flushes)).toBeGreaterThan(0);
      expect(count(flushes) / SESSIONS / STEPS).toBeLessThan(1);
      expect(count(flushes)).toBeLessThanOrEqual(count(batches) + 1);
    });
  });

  describe('on Redis', () => {
    let redis: RedisServer;
    let settings: Record<string, string>;
    beforeAll(async () => {
      redis = await startRedisServer();
      settings = {
        ...freshNames(),
        KAFKA_BROKERS: await sharedKafka(),
        REDIS_URL: redis.url,
        // what an audit costs isn't a session's: it comes at the start, and not again
        DORMOUSE_AUDIT_MS: '3600000',
      };
    }, SERVER_START_MS);
    afterAll(() => redis.stop());

    it.each([
      ['pure', pure, { evalsha: 1 + 4 + STEPS, reads: STEPS }, 5_800],
      ['irreversible', irreversible, { evalsha: 1 + 4 + STEPS * 4, reads: 1 }, 6_900],
    ])('%s: commands of a session, bytes of a step', async (_, plan, { evalsha, reads }, most) => {
      app = await boot(settings);
      await runAll(app, plan, 5);
      const { bySession, bytes } = await listen(redis.url, () => runAll(app, plan, SESSIONS));
      expect(bySession.size).toBe(SESSIONS);
      const all = [...bySession.values()];
      // no session takes fewer; where the machine stood still for a second, a lease was renewed
      const moves = all.map(({ evalsha: count = 0 }) => count).sort((a, b) => a - b);
      expect(moves[0]).toBe(evalsha);
      expect(moves[SESSIONS / 2]).toBe(evalsha);
      // a step that comes half a second late, as many at once may, reads the snapshot again
      expect(Math.max(...all.map(({ hmget = 0 }) => hmget))).toBeLessThanOrEqual(reads + 1 + (1 + STEPS));
      expect(bytes / SESSIONS / STEPS).toBeLessThan(most);
      // and one alone, at its best, reads the history once
      const alone = await listen(redis.url, async () => {
        for (let i = 0; i < ALONE; i++) await runAll(app, plan, 1);
      });
      const read = [...alone.bySession.values()].map(({ hmget = 0 }) => hmget);
      expect(Math.min(...read)).toBeLessThanOrEqual(reads + 1);
    });
  });
});
