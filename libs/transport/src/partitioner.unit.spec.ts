import { describe, expect, it } from '@jest/globals';
import { murmur2, partitionOf } from './partitioner.js';

describe('the partitioner', () => {
  // the values of Kafka's own test, UtilsTest.testMurmur2
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Kafka does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
    expect(partitionOf(text, 1_000_003)).toBe((hash & 0x7fffffff) % 1_000_003);
  });

  it('stays within the partitions', () => {
    for (let i = 0; i < 1000; i++) {
      const partition = partitionOf(`sess-${i}-é`, 7);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(7);
    }
  });
});
