import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Slots } from './slots.js';

describe('slots', () => {
  it('give a free place at once', () => {
    const slots = new Slots(2);
    expect(slots.acquire('a')).toBeUndefined();
    expect(slots.acquire('a')).toBeUndefined();
    expect(slots.acquire('a')).toBeInstanceOf(Promise);
  });

  it('serve in order of arrival, but pass over who waits for a full tool', async () => {
    const slots = new Slots(3);
    const served: string[] = [];
    void slots.acquire('narrow', 1);
    void slots.acquire('wide');
    void slots.acquire('wide');
    const waits = ['narrow', 'wide', 'narrow', 'wide'].map((tool, index) =>
      slots
        .acquire(tool, tool === 'narrow' ? 1 : Infinity)
        ?.then(() => served.push(`${tool} ${String(index)}`)),
    );
    slots.release('wide');
    slots.release('wide');
    await Promise.all([waits[1], waits[3]]);
    expect(served).toEqual(['wide 1', 'wide 3']);
    slots.release('narrow');
    await waits[0];
    slots.release('narrow');
    await waits[2];
    expect(served).toEqual(['wide 1', 'wide 3', 'narrow 0', 'narrow 2']);
  });

  it('never go over a bound, and leave no place unused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ tool: fc.constantFrom('a', 'b', 'c'), release: fc.boolean() }), {
          maxLength: 60,
        }),
        fc.integer({ min: 1, max: 5 }),
        async (moves, limit) => {
          const limits: Record<string, number> = { a: 1, b: 2, c: Infinity };
          const slots = new Slots(limit);
          const held: Record<string, number> = { a: 0, b: 0, c: 0 };
          const waiting: Record<string, number> = { a: 0, b: 0, c: 0 };
          for (const { tool, release } of moves) {
            if (release && (held[tool] ?? 0) > 0) {
              held[tool]!--;
              slots.release(tool);
            } else {
              waiting[tool]!++;
              const wait = slots.acquire(tool, limits[tool]);
              const take = () => {
                waiting[tool]!--;
                held[tool]!++;
              };
              if (wait === undefined) take();
              else void wait.then(take);
            }
            await Promise.resolve();
            await Promise.resolve();
            const used = held.a! + held.b! + held.c!;
            expect(used).toBe(slots.inFlight);
            expect(used).toBeLessThanOrEqual(limit);
            for (const name of ['a', 'b', 'c']) {
              expect(held[name]).toBeLessThanOrEqual(limits[name]!);
              if (waiting[name]! > 0) expect(used === limit || held[name] === limits[name]).toBe(true);
            }
          }
        },
      ),
    );
  });

  it('refuse who waits and who comes when they are closed', async () => {
    const slots = new Slots(1);
    void slots.acquire('a');
    const waits = slots.acquire('a');
    slots.close(new Error('closing'));
    await expect(waits).rejects.toThrow('closing');
    await expect(slots.acquire('b')).rejects.toThrow('closing');
  });
});
