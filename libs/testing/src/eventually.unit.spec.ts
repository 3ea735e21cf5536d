import { describe, expect, it } from '@jest/globals';
import { eventually, settles } from './eventually.js';

describe('eventually', () => {
  it('answers what the condition answers once it holds', async () => {
    let looks = 0;
    expect(await eventually(() => (++looks < 4 ? undefined : looks))).toBe(4);
  });

  it('takes 0 and the empty string for answers', async () => {
    expect(await eventually(() => 0)).toBe(0);
    expect(await eventually(() => '')).toBe('');
  });

  it('names the condition when the time is over', async () => {
    await expect(eventually(() => false, { timeoutMs: 20, what: 'the end' })).rejects.toThrow('the end');
  });

  it('throws what the condition threw last', async () => {
    let looks = 0;
    await expect(
      eventually(
        () => {
          throw new Error(`look ${++looks}`);
        },
        { timeoutMs: 20 },
      ),
    ).rejects.toThrow(/^look \d/);
  });
});

describe('settles', () => {
  it('waits until the assertions hold', async () => {
    let n = 0;
    await settles(() => expect(++n).toBeGreaterThan(3));
    expect(n).toBe(4);
  });
});
