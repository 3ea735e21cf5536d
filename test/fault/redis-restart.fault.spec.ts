import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DormouseError, type Snapshot } from '#contracts';
import { type ClaimKey, type RedisClaimStore, createRedisClaimStore, nextToken } from '#idempotency';
import { type RedisSessionStore, createRedisSessionStore } from '#state';
import { eventually, freshName, seededRandom } from '#testing';
import { type RedisServer, SERVER_START_MS, startRedisServer } from '#testing/servers';
import { commitAfter, creationOf, succeeded } from '../integration/redis/fixtures.js';

const SESSIONS = 30;
const INTENTS = 200;
const KILLS = 4;
/** What must have happened between two kills, so that each meets moves under way. */
const MOVES_BETWEEN = 400;

let server: RedisServer;
let store: RedisSessionStore;
let claims: RedisClaimStore;

beforeAll(async () => {
  server = await startRedisServer({ appendfsync: 'always' });
  const options = { url: server.url, timeoutMs: 1_000 };
  store = await createRedisSessionStore(options);
  claims = await createRedisClaimStore(options);
}, SERVER_START_MS);
afterAll(async () => {
  await Promise.all([store.close(), claims.close()]);
  await server.stop();
});

/** As everybody does: what is unavailable is tried again, with the same token. */
const until = async <T>(move: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await move();
    } catch (error) {
      if (!DormouseError.is(error) || !error.retryable) throw error;
    }
  }
};

it('Redis killed and restarted under load: nothing acknowledged is lost, nothing happens twice', async () => {
  const seed = Number(process.env.DORMOUSE_TEST_SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`redis restarts: seed ${seed} (DORMOUSE_TEST_SEED repeats it)\n`);
  const random = seededRandom(seed);
  let moves = 0;
  let over = false;

  const latest = new Map<string, Snapshot>();
  const live = async (): Promise<void> => {
    const creation = creationOf();
    await until(() => store.create(creation));
    let { snapshot } = creation;
    while (!over) {
      latest.set(snapshot.session_id, snapshot);
      const commit = commitAfter(snapshot);
      // alone on its session: anything but committed would be a step that was lost or came twice
      expect(await until(() => store.commit(commit))).toEqual({ kind: 'committed' });
      ({ snapshot } = commit);
      moves++;
    }
    latest.set(snapshot.session_id, snapshot);
  };

  const ran = new Map<string, string[]>();
  const ended = new Map<string, string>();
  /** Two dispatchers get the same intent: one of them runs it. */
  const run = async (key: ClaimKey): Promise<void> => {
    const token = nextToken();
    const reply = await until(() => claims.claim({ ...key, digest: 'd', token, leaseMs: 600_000 }));
    moves++;
    if (reply.kind !== 'claimed') return;
    expect(await until(() => claims.start(key, token))).toBe('started');
    ran.set(key.intentId, [...(ran.get(key.intentId) ?? []), token]);
    expect(await until(() => claims.record(key, token, succeeded(token), 600_000))).toEqual({
      kind: 'recorded',
    });
    ended.set(key.intentId, token);
    moves += 2;
  };

  const keys: ClaimKey[] = [];
  const dispatch = async (): Promise<void> => {
    while (!over || keys.length < INTENTS) {
      const sessionId = freshName('sess');
      const key = { sessionId, intentId: `${sessionId}.1.0` };
      keys.push(key);
      await Promise.all([run(key), run(key)]);
    }
  };

  const all = Promise.all([
    ...Array.from({ length: SESSIONS }, live),
    ...Array.from({ length: 10 }, dispatch),
  ]);
  for (let kill = 0; kill < KILLS; kill++) {
    const wanted = moves + MOVES_BETWEEN + Math.floor(random() * MOVES_BETWEEN);
    await eventually(() => moves >= wanted, { timeoutMs: 60_000, everyMs: 1 });
    await server.kill9();
    await server.restart();
  }
  over = true;
  await all;

  expect(latest.size).toBe(SESSIONS);
  for (const [id, snapshot] of latest) {
    expect(await store.load(id)).toEqual(snapshot);
    const timeline = await store.timeline(id);
    expect(timeline.map(({ seq }) => seq)).toEqual(
      Array.from({ length: snapshot.timeline_seq }, (_, i) => i + 1),
    );
    expect(await store.history(id)).toHaveLength(snapshot.history_n);
    expect(await store.wakeOf(id)).not.toBeNull();
  }
  const views = await claims.read(keys);
  for (const [i, { intentId }] of keys.entries()) {
    expect(ran.get(intentId)).toEqual([ended.get(intentId)]);
    expect(views[i]?.outcome?.result).toBe(ended.get(intentId));
  }
});
