import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Places } from './places.js';

describe('places', () => {
  it('are given at once while there are any, and then in order of arrival', async () => {
    const places = new Places(2);
    expect([places.acquire(), places.acquire()]).toEqual([undefined, undefined]);
    const served: number[] = [];
    const waits = [1, 2].map((n) => Promise.resolve(places.acquire()).then(() => served.push(n)));
    places.release();
    places.release();
    await Promise.all(waits);
    expect(served).toEqual([1, 2]);
  });

  it('are never more than there are, and none is left unused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (releases, limit) => {
          const places = new Places(limit);
          let held = 0;
          let waiting = 0;
          for (const release of releases) {
            if (release && held > 0) {
              held--;
              places.release();
            } else {
              waiting++;
              const take = () => {
                waiting--;
                held++;
              };
              const wait = places.acquire();
              if (wait === undefined) take();
              else void wait.then(take);
            }
            await Promise.resolve();
            await Promise.resolve();
            expect(held).toBe(places.inFlight);
            expect(held).toBeLessThanOrEqual(limit);
            if (waiting > 0) expect(held).toBe(limit);
          }
        },
      ),
    );
  });

  it('refuse who waits and who comes when they are closed', async () => {
    const places = new Places(1);
    void places.acquire();
    const waits = places.acquire();
    places.close(new Error('closing'));
    await expect(waits).rejects.toThrow('closing');
    await expect(places.acquire()).rejects.toThrow('closing');
  });
});
