import { describe, expect, it } from '@jest/globals';
import { fakeClock } from './fake-clock.js';

describe('fakeClock', () => {
  it('stands still until it is moved', async () => {
    const clock = fakeClock(1_000);
    expect(clock.now()).toBe(1_000);
    await clock.advance(250);
    expect(clock.now()).toBe(1_250);
  });

  it('wakes sleepers in the order of their times, each at its own', async () => {
    const clock = fakeClock(0);
    const woken: [string, number][] = [];
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push([name, clock.now()]);
    };
    void sleep('late', 30);
    void sleep('early', 10).then(() => sleep('again', 5));
    await clock.advance(20);
    expect(woken).toEqual([
      ['early', 10],
      ['again', 15],
    ]);
    expect(clock.sleepers()).toBe(1);
    await clock.advance(10);
    expect(woken.at(-1)).toEqual(['late', 30]);
  });

  it('refuses to go back', async () => {
    await expect(fakeClock().advance(-1)).rejects.toThrow(RangeError);
  });
});
