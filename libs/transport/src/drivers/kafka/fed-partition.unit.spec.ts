import { describe, expect, it } from '@jest/globals';
import { FedPartition } from './fed-partition.js';

const offsets = (...all: number[]) => all.map((offset) => ({ offset: String(offset) }));

describe('how far a partition was fed', () => {
  it('goes on where it stopped', () => {
    const fed = new FedPartition(5);
    expect(fed.judge(5, offsets(5, 6))).toEqual({ kind: 'feed', from: 0 });
    fed.fed(6);
    expect(fed.next).toBe(7);
    expect(fed.judge(7, offsets(7))).toEqual({ kind: 'feed', from: 0 });
  });

  it('leaves out what was fed before', () => {
    const fed = new FedPartition(7);
    expect(fed.judge(5, offsets(5, 6, 7, 8))).toEqual({ kind: 'feed', from: 2 });
    expect(fed.judge(3, offsets(3, 4))).toEqual({ kind: 'feed', from: 2 });
    fed.fed(4);
    expect(fed.next).toBe(7);
  });

  it('takes offsets that the log left out within a batch as they are', () => {
    expect(new FedPartition(5).judge(5, offsets(8, 11))).toEqual({ kind: 'feed', from: 0 });
  });

  it('reads again from where it stopped when a batch begins later', () => {
    const fed = new FedPartition(5);
    expect(fed.judge(9, offsets(9, 10))).toEqual({ kind: 'reread', offset: 5 });
    expect(fed.judge(5, offsets(5, 6, 7, 8, 9))).toEqual({ kind: 'feed', from: 0 });
  });

  it('goes on behind a hole that is still there, so that a log that begins later is no endless loop', () => {
    const fed = new FedPartition(5);
    expect(fed.judge(9, offsets(9)).kind).toBe('reread');
    expect(fed.judge(9, offsets(9))).toEqual({ kind: 'feed', from: 0 });
    fed.fed(9);
    // the next hole is another one
    expect(fed.judge(20, offsets(20))).toEqual({ kind: 'reread', offset: 10 });
  });
});
