import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RECORD_VERSION, type Snapshot } from '#contracts';
import { shardOf } from '#redis';
import { Auditor } from '#scheduler';
import { createRedisSessionStore, type RedisSessionStore } from '#state';
import { eventually, freshName } from '#testing';
import { type RedisServer, SERVER_START_MS, startRedisServer } from '#testing/servers';

const SESSIONS = 3_000;
const HOUR_MS = 3_600_000;

const cleanups: (() => unknown)[] = [];
const later = <T>(thing: T, end: (thing: T) => unknown): T => {
  cleanups.unshift(() => end(thing));
  return thing;
};
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedisServer();
}, SERVER_START_MS);
afterEach(async () => {
  for (const end of cleanups.splice(0)) await end();
});
afterAll(() => redis.stop());

interface Place {
  url: string;
  keyPrefix: string;
}
/** As a process of its own has it: a connection, and a name. */
const auditor = async (place: Place, name: string, auditRestMs: number): Promise<Auditor> => {
  const sessions = later(await createRedisSessionStore(place), (s) => s.close());
  const one = later(new Auditor(sessions, { auditRestMs, auditor: name }), (a) => a.onModuleDestroy());
  one.onApplicationBootstrap();
  return one;
};

const asleep = (now: number): Snapshot => ({
  v: RECORD_VERSION,
  session_id: freshName('sess'),
  version: 1,
  fixed: {
    tenant: 'default',
    submission: { input: 'x' },
    brain: 'openai',
    trace_id: '0123456789abcdef0123456789abcdef',
    created_at: now,
  },
  status: 'parked',
  step: 1,
  pending: [],
  outbox: { commit: null, intent_ids: [], out: true },
  applied: [],
  usage: { steps: 1, tool_calls: 1, input_tokens: 0, output_tokens: 0 },
  timeline_seq: 1,
  history_n: 0,
  updated_at: now,
});

/** So many sessions that sleep for an hour. */
const sleeping = async (sessions: RedisSessionStore, count: number): Promise<string[]> => {
  const now = await sessions.now();
  const ids: string[] = [];
  for (let i = 0; i < count; i += 500)
    ids.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(500, count - i) }, async () => {
          const snapshot = asleep(now);
          await sessions.create({ snapshot, timeline: [], wakeAt: now + HOUR_MS });
          return snapshot.session_id;
        }),
      )),
    );
  return ids;
};

const opened = async () => {
  const place = { url: redis.url, keyPrefix: `${freshName('auditors')}:` };
  const sessions = later(await createRedisSessionStore(place), (s) => s.close());
  await sessions.mark();
  const client = later(new Redis(redis.url), (c) => c.disconnect());
  return { place, sessions, client, part: (id: string) => `${place.keyPrefix}wake:${shardOf(id)}` };
};

it('three auditors repair every wake-up that is wrong, each once, and say what they found', async () => {
  const { place, sessions, client, part } = await opened();
  const ids = await sleeping(sessions, SESSIONS);
  const [lost, late] = [ids.filter((_, i) => i % 100 === 3), ids.filter((_, i) => i % 500 === 4)];
  for (const id of lost) await client.zrem(part(id), id);
  for (const id of late) await client.zadd(part(id), Date.now() + 24 * HOUR_MS, id);
  await client.zadd(part('sess-nobody'), Date.now() + HOUR_MS, 'sess-nobody');
  const [second] = ids;
  await client.zadd(`${place.keyPrefix}wake:${(shardOf(second!) + 1) % 16}`, Date.now() + HOUR_MS, second!);

  const auditors = await Promise.all(['a', 'b', 'c'].map((name) => auditor(place, name, 200)));
  const notes = await eventually(async () => (await sessions.audit.notes()).last, { what: 'a pass is over' });
  const wrong = { missing: lost.length, late: late.length, orphaned: 1, misplaced: 1 };
  expect(notes.repaired).toEqual(wrong);
  expect(notes.sessions).toEqual({ parked: SESSIONS });
  const sum = { missing: 0, late: 0, orphaned: 0, misplaced: 0 };
  for (const { repaired } of auditors)
    for (const fault of Object.keys(sum) as (keyof typeof sum)[]) sum[fault] += repaired[fault];
  expect(sum).toEqual(wrong);
  const due = await sessions.dueWakes(await sessions.now(), SESSIONS);
  expect(new Set(due.map(({ sessionId }) => sessionId))).toEqual(new Set([...lost, ...late]));

  // the pass after it finds all in order
  const next = await eventually(async () => {
    const { last } = await sessions.audit.notes();
    return last !== null && last.startedAt > notes.finishedAt ? last : null;
  });
  expect(next.repaired).toEqual({});
});

it('goes on where an auditor stood that is gone, and reads no snapshots', async () => {
  const { place, sessions, client } = await opened();
  await sleeping(sessions, SESSIONS);
  const ear = later(await client.monitor(), (e) => e.disconnect());
  const asked = new Map<string, number>();
  const fields = new Set<string>();
  ear.on('monitor', (_time: string, words: string[], source: string) => {
    const [command = ''] = words;
    if (source === 'lua') return;
    asked.set(command.toLowerCase(), (asked.get(command.toLowerCase()) ?? 0) + 1);
    if (/^hmget$/i.test(command)) for (const field of words.slice(2)) fields.add(field);
  });
  const first = new Auditor(sessions, { auditRestMs: 60_000, auditor: 'first' });
  await first.turn();
  await first.turn();
  const { pass, place: stood } = await sessions.audit.notes();
  expect(stood).toMatch(/^sessions\|/);
  // its turn ends, and nobody else says that it has
  await client.hset(`${place.keyPrefix}audit`, 'until', 1);
  const heir = new Auditor(sessions, { auditRestMs: 60_000, auditor: 'heir' });
  await heir.turn();
  expect((await sessions.audit.notes()).pass).toMatchObject({ startedAt: pass?.startedAt });
  expect((await sessions.audit.notes()).place).not.toBe(stood);
  // the one that was away finds that it is another's turn now
  expect(await first.turn()).toBe(60_000);
  for (let turns = 0; heir.notes.last === null; turns++) {
    if (turns > 200) throw new Error('the pass does not end');
    await heir.turn();
  }
  expect(heir.notes.last).toMatchObject({ sessions: { parked: SESSIONS }, repaired: {} });
  await eventually(() => asked.has('zscan'));
  expect([...fields].sort()).toEqual(['asleep', 'ended', 'version']);
  // once for a session, once for its wake-up
  expect(asked.get('hmget')).toBeLessThanOrEqual(2 * SESSIONS + 1_000);
  expect(asked.get('hmget')).toBeGreaterThanOrEqual(2 * SESSIONS - 1_000);
});
