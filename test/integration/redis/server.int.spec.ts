import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisClaimStore, nextToken } from '#idempotency';
import { createRedisSessionStore } from '#state';
import { eventually, freshName } from '#testing';
import { SERVER_START_MS, sharedRedis, sharedRedisCluster, startRedisServer } from '#testing/servers';
import { commitAfter, creationOf } from './fixtures.js';

const cleanups: (() => unknown)[] = [];
const later = <T>(thing: T, end: (thing: T) => unknown): T => {
  cleanups.unshift(() => end(thing));
  return thing;
};
afterEach(async () => {
  for (const end of cleanups.splice(0)) await end();
});
const storeAt = async (url: string, more: { keyPrefix?: string; retentionMs?: number } = {}) =>
  later(await createRedisSessionStore({ url, ...more }), (store) => store.close());
const clientAt = (url: string): Redis => later(new Redis(url), (client) => client.disconnect());

describe('what the settings of the server promise', () => {
  it(
    'appendfsync always: power, and nothing to warn of',
    async () => {
      const server = later(await startRedisServer({ appendfsync: 'always' }), (s) => s.stop());
      const store = await storeAt(server.url);
      expect(store.capabilities.durability).toBe('power');
      expect(store.checks().map(({ state }) => state)).toEqual(['well', 'well']);
    },
    SERVER_START_MS,
  );

  it(
    'everysec: process, said at start',
    async () => {
      const server = later(await startRedisServer({ appendfsync: 'everysec' }), (s) => s.stop());
      const claims = later(await createRedisClaimStore({ url: server.url }), (s) => s.close());
      expect(claims.capabilities.durability).toBe('process');
      expect(claims.checks()).toContainEqual(
        expect.objectContaining({ state: 'risk', came: expect.stringContaining('appendfsync everysec') }),
      );
    },
    SERVER_START_MS,
  );

  it(
    'no file and an eviction policy: both are warned of',
    async () => {
      const settings = { 'maxmemory-policy': 'allkeys-lru' };
      const server = later(await startRedisServer({ appendfsync: 'no', settings }), (s) => s.stop());
      const store = await storeAt(server.url);
      expect(store.capabilities.durability).toBe('process');
      expect(store.checks()).toEqual([
        expect.objectContaining({ state: 'wrong', came: expect.stringContaining('appendonly no') }),
        expect.objectContaining({ state: 'wrong', came: expect.stringContaining('allkeys-lru') }),
      ]);
    },
    SERVER_START_MS,
  );
});

describe('the marker', () => {
  it(
    'tells a store that lost its data from one in use',
    async () => {
      const server = later(await startRedisServer(), (s) => s.stop());
      const store = await storeAt(server.url, { keyPrefix: 'ours:' });
      expect(await store.isEmptied()).toBe(true);
      await store.mark();
      await store.mark();
      expect(await store.isEmptied()).toBe(false);
      expect(await (await storeAt(server.url, { keyPrefix: 'theirs:' })).isEmptied()).toBe(true);
      await clientAt(server.url).flushall();
      expect(await store.isEmptied()).toBe(true);
    },
    SERVER_START_MS,
  );
});

describe('an ended session', () => {
  it(
    'is forgotten by the server itself after its retention, all of it',
    async () => {
      const url = await sharedRedis();
      const keyPrefix = `${freshName()}:`;
      const store = await storeAt(url, { keyPrefix, retentionMs: 300 });
      const creation = creationOf();
      const id = creation.snapshot.session_id;
      await store.create(creation);
      const dataref = await store.putBlob(id, Buffer.from('payload'));
      await store.commit(commitAfter(creation.snapshot, { ends: true }));
      expect(await store.load(id)).not.toBeNull();
      await eventually(async () => (await store.load(id)) === null);
      expect(await store.getBlob(dataref)).toBeNull();
      expect(await store.history(id)).toEqual([]);
      expect((await store.list({ tenant: 'default', limit: 10 })).snapshots).toEqual([]);
      // what the indexes still say of it goes with the next expiry, which finds nothing to drop
      expect(await store.expire((await store.now()) + 1, 10)).toBe(0);
      await eventually(async () => (await clientAt(url).keys(`${keyPrefix}*`)).length === 0);
    },
    SERVER_START_MS,
  );
});

describe('the cost of a commit', () => {
  it(
    'is what it adds, however long the session is',
    async () => {
      const server = later(await startRedisServer({ appendfsync: 'always' }), (s) => s.stop());
      const store = await storeAt(server.url);
      const client = clientAt(server.url);
      const written = async (): Promise<number> =>
        Number(/aof_current_size:(\d+)/.exec(await client.info('persistence'))?.[1]);
      let { snapshot } = creationOf();
      await store.create({ ...creationOf(), snapshot });
      const costs: number[] = [];
      for (let i = 0; i < 400; i++) {
        const before = await written();
        const commit = commitAfter(snapshot);
        await store.commit(commit);
        costs.push((await written()) - before);
        snapshot = commit.snapshot;
      }
      expect(Math.min(...costs)).toBeGreaterThan(0);
      // numbers with more digits, and the eight tokens
      expect(Math.max(...costs.slice(-50))).toBeLessThan(Math.max(...costs.slice(10, 20)) + 50);
    },
    SERVER_START_MS,
  );
});

describe('on a cluster', () => {
  it(
    'all keys of a session share a slot, whatever its id',
    async () => {
      const url = await sharedRedisCluster();
      const keyPrefix = `${freshName()}:`;
      const store = await storeAt(url, { keyPrefix });
      const claims = later(await createRedisClaimStore({ url, keyPrefix }), (s) => s.close());
      const nodes = url.split(',').map((node) => clientAt(node));
      for (const id of [freshName('sess'), '}{', 'a}b{c', 'ünï {cödé}']) {
        const creation = creationOf(id);
        expect(await store.create(creation)).toEqual({ kind: 'created' });
        await store.putBlob(id, Buffer.from('payload'));
        expect((await store.commit(commitAfter(creation.snapshot))).kind).toBe('committed');
        await claims.claim({
          sessionId: id,
          intentId: `${id}.1.0`,
          digest: 'd',
          token: nextToken(),
          leaseMs: 1_000,
        });
        const found = (await Promise.all(nodes.map((node) => node.keys(`${keyPrefix}*{*}*`)))).flat();
        expect(found.length).toBe(6);
        const slots = await Promise.all(found.map((key) => nodes[0]!.cluster('KEYSLOT', key)));
        expect(new Set(slots).size).toBe(1);
        const last = commitAfter(commitAfter(creation.snapshot).snapshot, { ends: true });
        await store.commit(last);
        // by the clock that dated it: the store's own may be a moment behind
        expect(await store.expire(last.snapshot.updated_at + 1, 10)).toBe(1);
        await claims.forget([{ sessionId: id, intentId: `${id}.1.0` }]);
      }
    },
    SERVER_START_MS,
  );

  it(
    'one node names them all',
    async () => {
      const [first] = (await sharedRedisCluster()).split(',');
      const store = await storeAt(first!, { keyPrefix: `${freshName()}:` });
      const ids = Array.from({ length: 30 }, () => freshName('sess'));
      for (const id of ids) expect(await store.create(creationOf(id))).toEqual({ kind: 'created' });
      expect((await Promise.all(ids.map((id) => store.load(id)))).every((s) => s !== null)).toBe(true);
    },
    SERVER_START_MS,
  );
});
