import { afterAll, beforeAll } from '@jest/globals';
import { settles } from './eventually.js';

/** What keeps a process alive, by kind. The runner's own (its pipes, its timer of the running hook) is there before as well. */
const count = (): Map<string, number> => {
  const found = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) found.set(kind, (found.get(kind) ?? 0) + 1);
  return found;
};

/**
 * Inside a `describe`: fails it when more timers, sockets or other handles are there after its tests than before.
 * Call it first, so that what the tests' own hooks close is closed by then.
 */
export const noLeftovers = (): void => {
  let before = new Map<string, number>();
  beforeAll(() => {
    before = count();
  });
  afterAll(async () => {
    await settles(() => {
      for (const [kind, n] of count()) {
        const had = before.get(kind) ?? 0;
        // `settles` itself and the runner hold one timer each
        const own = kind === 'Timeout' ? 1 : 0;
        if (n > had + own) throw new Error(`left behind: ${n - had} × ${kind}`);
      }
    });
  });
};
