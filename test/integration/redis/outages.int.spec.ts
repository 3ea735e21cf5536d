import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { DormouseError } from '#contracts';
import { type ClaimKey, type RedisClaimStore, createRedisClaimStore, nextToken } from '#idempotency';
import { type RedisSessionStore, createRedisSessionStore } from '#state';
import { eventually, freshName } from '#testing';
import { type RedisServer, SERVER_START_MS, startRedisServer } from '#testing/servers';
import { commitAfter, creationOf, succeeded } from './fixtures.js';
import { type FlakyWire, flakyWire } from './flaky-wire.js';

const TIMEOUT_MS = 500;
const keyPrefix = `${freshName()}:`;
let server: RedisServer;
let wire: FlakyWire;
let store: RedisSessionStore;
let claims: RedisClaimStore;
let admin: Redis;

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: unknown) =>
      DormouseError.is(error) ? `${error.code}, retryable ${error.retryable}` : String(error),
  );

beforeAll(async () => {
  server = await startRedisServer({ appendfsync: 'always' });
  wire = await flakyWire(server.port);
  const options = { url: wire.url, keyPrefix, timeoutMs: TIMEOUT_MS };
  store = await createRedisSessionStore(options);
  claims = await createRedisClaimStore(options);
  admin = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
}, SERVER_START_MS);
afterAll(async () => {
  await Promise.all([store.close(), claims.close()]);
  admin.disconnect();
  await wire.close();
  await server.stop();
});
afterEach(() => eventually(() => store.ping().then(() => true)));

describe('a reply that is lost on the way', () => {
  it('to a commit: it is sent again, and was one commit', async () => {
    const creation = creationOf();
    await store.create(creation);
    const first = commitAfter(creation.snapshot);
    await store.commit(first);
    const commit = commitAfter(first.snapshot);
    const before = wire.lost;
    wire.loseNextReply();
    expect(await store.commit(commit)).toEqual({ kind: 'committed' });
    expect(wire.lost).toBe(before + 1);
    expect(await store.load(commit.snapshot.session_id)).toEqual(commit.snapshot);
    expect(await store.timeline(commit.snapshot.session_id)).toHaveLength(3);
  });

  it('to the moves of a claim: each answers as if it had not been', async () => {
    const token = nextToken();
    const movesOf = (key: ClaimKey): [() => Promise<unknown>, unknown][] => [
      [() => claims.claim({ ...key, digest: 'd', token, leaseMs: 30_000 }), { kind: 'claimed' }],
      [() => claims.start(key, token), 'started'],
      [() => claims.renew(key, token, 30_000), 'held'],
      [() => claims.keep(key, token, '{}'), 'kept'],
      [() => claims.record(key, token, succeeded('once'), 60_000), { kind: 'recorded' }],
    ];
    // a first round, so that the lost replies are not the server's questions for the scripts
    for (const [move] of movesOf({ sessionId: freshName('sess'), intentId: 'zero.1.0' })) await move();
    for (const [move, answer] of movesOf({ sessionId: freshName('sess'), intentId: 'one.1.0' })) {
      const before = wire.lost;
      wire.loseNextReply();
      expect(await move()).toEqual(answer);
      expect(wire.lost).toBe(before + 1);
    }
  });
});

describe('a server that forgot the scripts', () => {
  it('is told them again', async () => {
    await admin.script('FLUSH');
    expect(await store.create(creationOf())).toEqual({ kind: 'created' });
  });
});

describe('a server that is down', () => {
  it('has calls refused as unavailable within their time, and is used again when it is back', async () => {
    const creation = creationOf();
    await store.create(creation);
    await server.kill9();
    const begin = performance.now();
    expect(await codeOf(store.load(creation.snapshot.session_id))).toBe('unavailable, retryable true');
    expect(await codeOf(claims.forget([{ sessionId: 'a', intentId: 'b' }]))).toBe(
      'unavailable, retryable true',
    );
    expect(performance.now() - begin).toBeLessThan(TIMEOUT_MS * 4);
    await server.restart();
    expect(await eventually(() => store.load(creation.snapshot.session_id).catch(() => null))).toEqual(
      creation.snapshot,
    );
  });

  it('for a moment only is not noticed by a call', async () => {
    const patient = await createRedisSessionStore({ url: server.url, timeoutMs: 20_000 });
    try {
      const loading = server.kill9().then(() => patient.load('sess-nobody'));
      await server.kill9();
      await server.restart();
      expect(await loading).toBeNull();
    } finally {
      await patient.close();
    }
  });

  it('at the start refuses the start', async () => {
    await server.kill9();
    try {
      expect(await codeOf(createRedisSessionStore({ url: server.url, timeoutMs: TIMEOUT_MS }))).toBe(
        'unavailable, retryable true',
      );
    } finally {
      await server.restart();
    }
  });
});

describe('a server that hangs', () => {
  it('has calls refused within their time, and is used again when it goes on', async () => {
    const creation = creationOf();
    await store.create(creation);
    process.kill(server.pid!, 'SIGSTOP');
    try {
      const begin = performance.now();
      expect(await codeOf(store.load(creation.snapshot.session_id))).toBe('unavailable, retryable true');
      expect(performance.now() - begin).toBeLessThan(TIMEOUT_MS * 4);
    } finally {
      process.kill(server.pid!, 'SIGCONT');
    }
    expect(await eventually(() => store.load(creation.snapshot.session_id).catch(() => null))).toEqual(
      creation.snapshot,
    );
  });
});

describe('a connection on which nothing comes through any more', () => {
  it('is given up for a new one', async () => {
    const creation = creationOf();
    await store.create(creation);
    wire.goSilent();
    expect(await codeOf(store.load(creation.snapshot.session_id))).toBe('unavailable, retryable true');
    expect(await eventually(() => store.load(creation.snapshot.session_id).catch(() => null))).toEqual(
      creation.snapshot,
    );
  });
});

describe('watching', () => {
  it('goes on after the connection for messages was cut', async () => {
    const creation = creationOf();
    await store.create(creation);
    let told = 0;
    const end = store.watch(creation.snapshot.session_id, () => told++);
    await eventually(() => told > 0);
    const channel = `${keyPrefix}changed:{${creation.snapshot.session_id}}`;
    const heard = async (): Promise<boolean> => Number((await admin.pubsub('NUMSUB', channel))[1]) === 1;
    expect(await heard()).toBe(true);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(heard);
    const before = told;
    await store.commit(commitAfter(creation.snapshot));
    await eventually(() => told > before);
    end();
  });

  it('notices growth of which no message came', async () => {
    const id = freshName('sess');
    let told = 0;
    const end = store.watch(id, () => told++);
    await eventually(() => told > 0);
    const before = told;
    // what a lost message leaves: an entry that nobody was told of
    const [key] = await admin.keys('*timeline:*');
    await admin.rpush(key!.replace(/\{.*\}/, `{${id}}`), '{}');
    await eventually(() => told > before);
    end();
  });
});
