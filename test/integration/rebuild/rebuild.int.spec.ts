import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newSession } from '#commander';
import { DEFAULT_GROUPS, DEFAULT_TOPICS } from '#contracts';
import { createRedisClaimStore, type RedisClaimStore } from '#idempotency';
import { rebuild, type RebuildProgress, type RebuildReport } from '#rebuild';
import {
  createRedisDeadLetterStore,
  createRedisSessionStore,
  type DeadLetterStore,
  type RedisSessionStore,
  type SessionStore,
} from '#state';
import { eventually, type FakeClock, fakeClock, freshName, seededRandom, tempDir } from '#testing';
import { SERVER_START_MS, sharedRedis } from '#testing/servers';
import { deadLetterRecord, encodeEvent, type LogRecord } from '#transport';
import { CommanderRig } from '../commander/commander-rig.js';
import { events, RandomSession, Talker } from './random-session.js';

const SESSIONS = 40;
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const folder = tempDir('rebuild');

let rig: CommanderRig;
let clock: FakeClock;
let random: () => number;
let sessions: RedisSessionStore;
let claims: RedisClaimStore;
let deadLetters: DeadLetterStore;
beforeAll(async () => {
  await sharedRedis();
}, SERVER_START_MS);
beforeEach(async () => {
  const redis = { url: await sharedRedis(), keyPrefix: `${freshName('rebuild')}:` };
  sessions = await createRedisSessionStore(redis);
  claims = await createRedisClaimStore(redis);
  deadLetters = await createRedisDeadLetterStore({ ...redis, retentionMs: 86_400_000 });
  random = seededRandom(seed);
  // not behind the server's clock: sessions of another age would have expired
  clock = fakeClock(Date.now());
  rig = await CommanderRig.open([new Talker(random)], {}, clock.now);
});
afterEach(async () => {
  await Promise.all([sessions.close(), claims.close(), deadLetters.close(), rig.close()]);
});
afterAll(() => folder.remove());

const run = (tell?: (progress: RebuildProgress) => void): Promise<RebuildReport> =>
  rebuild(
    { sessions, claims, deadLetters, transport: rig.transport },
    {
      rules: { ...events, resultLimitBytes: 8 << 20 },
      topics: DEFAULT_TOPICS,
      groups: DEFAULT_GROUPS,
      readerGroup: freshName('reader'),
      retentionMs: 86_400_000,
      folder: join(folder.path, freshName('spool')),
      ...(tell === undefined ? {} : { tell }),
    },
  );

/** Sessions in the middle of their lives, all of their events in the log. */
const live = async (): Promise<RandomSession[]> => {
  process.stdout.write(`rebuild: SEED=${seed}\n`);
  const all: RandomSession[] = [];
  for (let n = 0; n < SESSIONS; n++) {
    const session = await RandomSession.submit(rig, random, clock);
    for (let i = Math.floor(random() * 20); i > 0 && (await session.happen()); i--);
    if (session.told.length > 0)
      await rig.transport.publish(session.told.map((e) => encodeEvent(DEFAULT_TOPICS.observation, e)));
    all.push(session);
  }
  return all;
};

const sight = async (store: SessionStore, id: string) => ({
  snapshot: await store.load(id),
  history: await store.history(id),
  timeline: await store.timeline(id),
});

const expectWhole = async (all: readonly RandomSession[]): Promise<void> => {
  for (const { id } of all) expect(await sight(sessions, id)).toEqual(await sight(rig.store, id));
};

it('puts every session into an empty store, as it was, and marks the store', async () => {
  const all = await live();
  const report = await run();
  expect(report).toMatchObject({ sessions: SESSIONS, headless: 0, damaged: 0 });
  expect(await sessions.isEmptied()).toBe(false);
  await expectWhole(all);
  const unfinished = [];
  for (const { id } of all) if ((await sessions.wakeOf(id)) !== null) unfinished.push(id);
  expect(report.unfinished).toBe(unfinished.length);
});

it('cut off when all is written but the mark, is done again', async () => {
  const all = await live();
  await expect(
    run(({ phase }) => {
      if (phase === 'writing') throw new Error('cut off');
    }),
  ).rejects.toThrow('cut off');
  expect(await sessions.isEmptied()).toBe(true);
  expect(await run()).toMatchObject({ sessions: SESSIONS, damaged: 0 });
  await expectWhole(all);
});

it('puts a session in the place of one that was begun anew under its key when the store had lost it', async () => {
  const all = await live();
  for (const { id } of all.slice(0, 5)) {
    const { fixed } = (await rig.store.load(id))!;
    const anew = { ...fixed, created_at: fixed.created_at + 1_000, trace_id: 'f'.repeat(32) };
    await sessions.create(newSession(id, anew));
  }
  await run();
  await expectWhole(all);
  const { snapshots } = await sessions.list({ tenant: 'default', limit: 2 * SESSIONS });
  expect(new Set(snapshots.map((s) => s.session_id)).size).toBe(snapshots.length);
});

describe('is refused', () => {
  it('while the store is in use', async () => {
    await sessions.mark();
    await expect(run()).rejects.toMatchObject({
      code: 'rebuild_refused',
      message: expect.stringMatching(/in use/),
    });
  });

  it('while somebody consumes', async () => {
    const feed = { assigned: () => undefined, lost: () => undefined, records: () => undefined };
    const failed = (error: Error) => {
      throw error;
    };
    const member = await rig.transport.subscribe(DEFAULT_TOPICS.intent, DEFAULT_GROUPS.dispatcher, {
      ...feed,
      failed,
    });
    await expect(run()).rejects.toMatchObject({
      code: 'rebuild_refused',
      message: expect.stringContaining(DEFAULT_GROUPS.dispatcher),
    });
    await member.close();
    await run();
  });
});

it('lists the dead letters again', async () => {
  const record: LogRecord = {
    topic: DEFAULT_TOPICS.intent,
    partition: 3,
    offset: 7,
    key: 'sess-x',
    value: Buffer.from('no event'),
    headers: { a: 'b' },
    timestampMs: clock.now(),
  };
  const facts = { reason: 'invalid_event', error: 'told so', deliveries: 2, attempts: 1 };
  await rig.transport.publish([deadLetterRecord(DEFAULT_TOPICS.deadLetter, events, record, facts)]);
  expect(await run()).toMatchObject({ deadLetters: 1 });
  const [kept] = (await eventually(async () => {
    const { letters } = await deadLetters.list({ tenant: 'default', limit: 10 });
    return letters.length === 1 && letters;
  })) as { letter: { id: string } }[];
  const { letter, value } = (await deadLetters.get(kept!.letter.id))!;
  expect(letter).toMatchObject({ ...facts, topic: record.topic, partition: 3, offset: 7, key: 'sess-x' });
  expect(letter.headers).toEqual(record.headers);
  expect(value?.toString()).toBe('no event');
});
