import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '#testing';
import { Think, type ThinkScope } from './think.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const thinkUntil = (stopped: AbortSignal): Think =>
  new Think({ stopped: () => stopped } as ThinkScope, {} as never, [], 0, false);

describe('the signal of a think', () => {
  it('is aborted by the end of the process, and by a cancel, and tells which', () => {
    const process = new AbortController();
    const [one, another, late] = [process.signal, process.signal, AbortSignal.abort('over')].map(thinkUntil);
    const [first, second] = [one!.signal, another!.signal];
    another!.cancel();
    expect([first.aborted, second.aborted, another!.interrupted]).toEqual([false, true, false]);
    process.abort('over');
    expect([first.aborted, first.reason, one!.interrupted]).toEqual([true, 'over', true]);
    expect(late!.signal.aborted).toBe(true);
  });

  it('keeps nobody who listens to it, when it is never aborted', async () => {
    const listening = (): WeakRef<object> => {
      const known = { a: 'lot' };
      thinkUntil(new AbortController().signal).signal.addEventListener('abort', () => known.a);
      return new WeakRef(known);
    };
    const refs = Array.from({ length: 10 }, listening);
    await eventually(() => {
      collectGarbage();
      return refs.every((ref) => ref.deref() === undefined);
    });
  });
});
