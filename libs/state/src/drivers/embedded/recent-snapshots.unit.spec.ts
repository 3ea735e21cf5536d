import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Snapshot } from '#contracts';
import { RecentSnapshots } from './recent-snapshots.js';

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
  let recent: RecentSnapshots;
  beforeEach(() => {
    jest.useFakeTimers();
    recent = new RecentSnapshots();
  });
  afterEach(() => {
    recent.clear();
    jest.useRealTimers();
  });

  it('gives a snapshot for the row that it was made with, and for no other', () => {
    const first = snapshot(1);
    recent.add('s', 'head 1', first, 10);
    expect(recent.get('s', 'head 1')).toBe(first);
    expect(recent.get('s', 'head 2')).toBeUndefined();
    expect(recent.get('t', 'head 1')).toBeUndefined();
  });

  it('follows a session from row to row, and keeps what was written with its creation', () => {
    const first = snapshot(1);
    recent.add('s', 'head 1', first, 10);
    const second = { ...snapshot(2), fixed: { ...first.fixed, tenant: 'mallory' } };
    recent.follow('s', 'head 1', 'head 2', second, false);
    expect(recent.get('s', 'head 2')).toEqual({ ...second, fixed: first.fixed });
  });

  it('keeps nothing of a session that has ended, or whose row before it does not know', () => {
    recent.add('s', 'head 1', snapshot(1), 10);
    recent.follow('s', 'head 1', 'head 2', snapshot(2), true);
    recent.follow('t', 'head 1', 'head 2', snapshot(2), false);
    expect(recent.get('s', 'head 2')).toBeUndefined();
    expect(recent.get('t', 'head 2')).toBeUndefined();
  });

  it('forgets a session that sleeps, and leaves no timer behind', () => {
    recent.add('s', 'head 1', snapshot(1), 10);
    jest.advanceTimersByTime(2_000);
    expect(recent.get('s', 'head 1')).toBeUndefined();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('holds a bounded number of characters', () => {
    for (let i = 0; i < 100; i++) recent.add(`s${String(i)}`, 'head', snapshot(1), 1 << 20);
    const held = Array.from({ length: 100 }, (_, i) => recent.get(`s${String(i)}`, 'head')).filter(Boolean);
    expect(held.length).toBeGreaterThan(0);
    expect(held.length).toBeLessThan(20);
  });
});
