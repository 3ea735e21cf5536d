import { describe, expect, it } from '@jest/globals';
import { checkedPrefix, sessionTag, SHARDS, shardOf } from './keys.js';

describe('sessionTag', () => {
  it('is the id in braces', () => {
    expect(sessionTag('sess-01ABC_x')).toBe('{sess-01ABC_x}');
  });

  it('hashes an id that is not of our form, each to its own', () => {
    const tags = ['', 'a b', '}{', 'x'.repeat(65), 'ü'].map(sessionTag);
    for (const tag of tags) expect(tag).toMatch(/^\{~[A-Za-z0-9_-]{43}\}$/);
    expect(new Set(tags).size).toBe(tags.length);
  });
});

describe('shardOf', () => {
  it('is the same in every release: stored indexes depend on it', () => {
    expect(['sess-1', 'sess-2', 'sess-01JDXYZ', ''].map(shardOf)).toEqual([1, 8, 6, 5]);
  });

  it('spreads sessions evenly', () => {
    const counts = new Array<number>(SHARDS).fill(0);
    for (let i = 0; i < 16_000; i++) counts[shardOf(`sess-${i}`)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });
});

describe('checkedPrefix', () => {
  it('refuses braces', () => {
    expect(checkedPrefix('team-a:')).toBe('team-a:');
    expect(checkedPrefix()).toBe('');
    expect(() => checkedPrefix('{a}')).toThrow('DORMOUSE_KEY_PREFIX: expected no braces');
  });
});
