import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Snapshot } from '#contracts';
import { Engine, type Transaction } from '#engine';
import { RecentSnapshots } from './recent-snapshots.js';
import { encodeHead, type SessionTables, sessionTables } from './session-rows.js';

const snapshot = (version: number): Snapshot => ({
  v: 1,
  session_id: 's',
  version,
  fixed: { tenant: 't', submission: { input: 'x' }, brain: 'b', trace_id: 'f', created_at: 1 },
  status: 'waiting_tool',
  step: 0,
  pending: [],
  outbox: { commit: null, intent_ids: [], out: false },
  applied: [],
  usage: { steps: 0, tool_calls: 0, input_tokens: 0, output_tokens: 0 },
  timeline_seq: 1,
  history_n: 0,
  updated_at: 1,
});

describe('RecentSnapshots', () => {
  let dir: string;
  let engine: Engine;
  let tables: SessionTables;
  let recent: RecentSnapshots;
  const open = async (): Promise<void> => {
    engine = await Engine.open({ dir });
    tables = sessionTables(engine);
    recent = new RecentSnapshots(tables);
  };
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dormouse-recent-'));
    await open();
  });
  afterEach(async () => {
    jest.useRealTimers();
    recent.clear();
    await engine.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const get = (session = 's'): Snapshot | undefined => engine.peek((view) => recent.get(view, session));
  const put = (tx: Transaction, written: Snapshot, session = 's'): void =>
    tx.put(tables.heads, session, encodeHead(written, null));
  const create = (written: Snapshot, session = 's', size = 10): Promise<void> =>
    engine.move((tx) => {
      put(tx, written, session);
      recent.add(tx, session, written, size);
    });
  const commit = (written: Snapshot, ended = false): Promise<void> =>
    engine.move((tx) => {
      const keep = recent.follow(tx, 's');
      put(tx, written);
      keep(written, ended);
    });

  it('gives a snapshot for the write that it was made with, and for no other', async () => {
    const first = snapshot(1);
    await create(first);
    expect(get()).toBe(first);
    expect(get('t')).toBeUndefined();
    await engine.move((tx) => put(tx, first));
    expect(get()).toBeUndefined();
  });

  it('gives nothing of a write that was taken back, nor of the one before it', async () => {
    await create(snapshot(1));
    const broken = engine.move((tx) => {
      const keep = recent.follow(tx, 's');
      put(tx, snapshot(2));
      keep(snapshot(2), false);
      throw new Error('taken back');
    });
    await expect(broken).rejects.toThrow('taken back');
    expect(get()).toBeUndefined();
  });

  it('gives a snapshot whose row has moved into the tree, by its version', async () => {
    const first = snapshot(1);
    await create(first);
    const { recent: before } = { recent };
    await engine.close();
    await open();
    recent = before;
    expect(engine.peek((view) => view.writeOf(tables.heads, 's'))).toBeUndefined();
    expect(get()).toBe(first);
    await engine.move((tx) => put(tx, snapshot(2)));
    await engine.close();
    await open();
    expect(engine.peek((view) => before.get(view, 's'))).toBeUndefined();
  });

  it('follows a session from write to write, and keeps what was written with its creation', async () => {
    const first = snapshot(1);
    await create(first);
    const second = { ...snapshot(2), fixed: { ...first.fixed, tenant: 'mallory' } };
    await commit(second);
    expect(get()).toEqual({ ...second, fixed: first.fixed });
  });

  it('keeps nothing of a session that has ended, or whose snapshot before it does not know', async () => {
    await create(snapshot(1));
    await commit(snapshot(2), true);
    expect(get()).toBeUndefined();
    await commit(snapshot(3));
    expect(get()).toBeUndefined();
  });

  it('forgets a session that sleeps, and leaves no timer behind', async () => {
    await engine.move((tx) => put(tx, snapshot(1)));
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    engine.peek((view) => recent.add(view, 's', snapshot(1), 10));
    expect(get()).toBeDefined();
    jest.advanceTimersByTime(2_000);
    expect(get()).toBeUndefined();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('holds a bounded number of characters', async () => {
    for (let i = 0; i < 100; i++) await create(snapshot(1), `s${String(i)}`, 1 << 20);
    const held = Array.from({ length: 100 }, (_, i) => get(`s${String(i)}`)).filter(Boolean);
    expect(held.length).toBeGreaterThan(0);
    expect(held.length).toBeLessThan(20);
  });
});
