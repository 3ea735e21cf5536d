import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, RECORD_VERSION } from '#contracts';
import { Engine } from '#engine';
import { EmbeddedClaimStore } from '#idempotency';

// What every claim store promises is tested by the contract suite; here is what only this one does.

const key = { sessionId: 'sess-1', intentId: 'sess-1.1.0' };
const outcome: Outcome = {
  status: 'succeeded',
  result: { n: 1 },
  error: null,
  attempts: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  duration_ms: 1,
};
let dir: string;
let engine: Engine;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'dormouse-claims-'));
  engine = await Engine.open({ dir });
});
afterEach(async () => {
  await engine.close();
  rmSync(dir, { recursive: true, force: true });
});

const claim = (store: EmbeddedClaimStore, token: string) =>
  store.claim({ ...key, digest: 'd', token, leaseMs: 30_000 });
const rows = (table: string): Promise<number> =>
  engine.read((view) => view.range(engine.text(table), { start: '', end: '~~' }).length);

describe('the embedded claim store', () => {
  it('sees what another one on the same engine did, whatever it remembers itself', async () => {
    const [first, second] = [new EmbeddedClaimStore(engine), new EmbeddedClaimStore(engine)];
    await claim(first, 'a');
    await second.handBack(key, 'a');
    expect(await first.start(key, 'a')).toBe('lost');
    expect((await claim(second, 'b')).kind).toBe('taken_over');
    expect((await claim(first, 'a')).kind).toBe('held');
    await second.forget([key]);
    expect(await claim(first, 'a')).toEqual({ kind: 'claimed' });
  });

  it('leaves no row behind when a claim is forgotten or expires', async () => {
    const store = new EmbeddedClaimStore(engine);
    await claim(store, 'a');
    await store.record(key, 'a', outcome, 1000);
    expect([await rows('cl'), await rows('cx')]).toEqual([1, 1]);
    await store.forget([key]);
    expect([await rows('cl'), await rows('cx')]).toEqual([0, 0]);
    await store.seal(key, 'd', outcome, 1000);
    expect(await store.expire(engine.now() + 2000, 10)).toBe(1);
    expect([await rows('cl'), await rows('cx')]).toEqual([0, 0]);
  });

  it('refuses a claim that a later release wrote', async () => {
    const store = new EmbeddedClaimStore(engine);
    await engine.move((tx) =>
      tx.put(engine.text('cl'), `${key.sessionId}|${key.intentId}`, `\n{"v":${RECORD_VERSION + 1}}`),
    );
    await expect(claim(store, 'a')).rejects.toMatchObject({ code: 'newer_version' });
    await expect(store.read([key])).rejects.toMatchObject({ code: 'newer_version' });
    // it can still be deleted: nobody needs to understand it for that
    await store.forget([key]);
    expect(await claim(store, 'a')).toEqual({ kind: 'claimed' });
  });
});
