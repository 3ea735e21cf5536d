import { describe, expect, it } from '@jest/globals';
import type { LogRecord } from '../../port.js';
import { RecentRecords } from './recent-records.js';

const record = (offset: number, bytes = 10): LogRecord => ({
  topic: 't',
  partition: 0,
  offset,
  key: 'k',
  value: Buffer.alloc(bytes),
  headers: {},
  timestampMs: 0,
});
const holding = (...offsets: number[]): RecentRecords => {
  const recent = new RecentRecords();
  for (const offset of offsets) recent.add(record(offset));
  return recent;
};
const offsetsOf = (records: readonly LogRecord[]): number[] => records.map(({ offset }) => offset);

describe('RecentRecords', () => {
  it('gives what follows the last one read, once', () => {
    const recent = holding(5, 6, 7);
    expect(offsetsOf(recent.take(5, 8))).toEqual([5, 6, 7]);
    expect(recent.take(5, 8)).toEqual([]);
    recent.add(record(8));
    expect(offsetsOf(recent.take(8, 9))).toEqual([8]);
  });

  it('keeps back what is not durable yet', () => {
    const recent = holding(5, 6, 7);
    expect(offsetsOf(recent.take(5, 6))).toEqual([5]);
    expect(recent.take(6, 6)).toEqual([]);
    expect(offsetsOf(recent.take(6, 8))).toEqual([6, 7]);
  });

  it('gives nothing to a reader that is before its first record, and keeps it for when he has caught up', () => {
    const recent = holding(5, 6);
    expect(recent.take(3, 7)).toEqual([]);
    expect(offsetsOf(recent.take(5, 7))).toEqual([5, 6]);
  });

  it('leaves out what its reader has read elsewhere', () => {
    expect(offsetsOf(holding(5, 6, 7).take(6, 8))).toEqual([6, 7]);
    const passed = holding(5, 6, 7);
    expect(passed.take(9, 10)).toEqual([]);
    passed.add(record(10));
    expect(offsetsOf(passed.take(10, 11))).toEqual([10]);
  });

  it('takes no more than it may hold, and no record that does not follow', () => {
    const recent = holding(...Array.from({ length: 1_000 }, (_, i) => i));
    recent.add(record(1_000));
    const taken = offsetsOf(recent.take(0, 1_001));
    expect(taken.length).toBeLessThan(200);
    expect(taken).toEqual(taken.map((_, i) => i));

    const large = new RecentRecords();
    for (let i = 0; i < 10; i++) large.add(record(i, 1 << 20));
    expect(offsetsOf(large.take(0, 10))).toEqual([0]);

    const gap = holding(1, 2);
    gap.add(record(4));
    expect(offsetsOf(gap.take(1, 5))).toEqual([1, 2]);
  });
});
