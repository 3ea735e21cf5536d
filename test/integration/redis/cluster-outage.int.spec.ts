import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DormouseError, type Snapshot } from '#contracts';
import { type RedisSessionStore, createRedisSessionStore } from '#state';
import { eventually } from '#testing';
import { type RedisCluster, SERVER_START_MS, startRedisCluster } from '#testing/servers';
import { commitAfter, creationOf } from './fixtures.js';

const TIMEOUT_MS = 1_000;
let cluster: RedisCluster;
let store: RedisSessionStore;

beforeAll(async () => {
  cluster = await startRedisCluster(3, { appendfsync: 'always' });
  store = await createRedisSessionStore({ url: cluster.url, timeoutMs: TIMEOUT_MS });
}, SERVER_START_MS);
afterAll(async () => {
  await store.close();
  await cluster.stop();
});

it('a master killed and restarted: what needs it is refused in time, then all goes on with what was there', async () => {
  expect(store.capabilities.durability).toBe('power');
  const snapshots: Snapshot[] = [];
  for (let i = 0; i < 20; i++) {
    const creation = creationOf();
    await store.create(creation);
    snapshots.push(creation.snapshot);
  }
  await cluster.nodes[0]!.kill9();
  const begin = performance.now();
  const settled = await Promise.allSettled(snapshots.map(({ session_id }) => store.load(session_id)));
  expect(performance.now() - begin).toBeLessThan(TIMEOUT_MS * 5);
  const refused = settled.filter((one) => one.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  for (const { reason } of refused)
    expect(DormouseError.is(reason) && `${reason.code}, retryable ${reason.retryable}`).toBe(
      'unavailable, retryable true',
    );

  await cluster.nodes[0]!.restart();
  await eventually(
    async () => {
      for (const snapshot of snapshots) expect(await store.load(snapshot.session_id)).toEqual(snapshot);
      return true;
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
  for (const snapshot of snapshots)
    expect(await store.commit(commitAfter(snapshot))).toEqual({ kind: 'committed' });
});
