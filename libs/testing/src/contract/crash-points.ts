import { expect } from '@jest/globals';
import { settleAll } from './refusals.js';
import type { TestBed } from './test-bed.js';

/** A scripted life of some data, cut by a crash at every point. */
export interface CrashScript<Port> {
  /** the writes, in order; each may be sent again */
  moves: readonly { name: string; send: (port: Port) => Promise<unknown> }[];
  /** what anyone can see of the data; compared as a whole */
  look: (port: Port) => Promise<unknown>;
}

/** How far a move that isn't acknowledged gets before the crash: turns of the event loop. */
const TURNS = [0, 1, 3] as const;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the script answers and shows when nothing crashes. */
const undisturbed = async <Port>(bed: TestBed<Port>, script: CrashScript<Port>) => {
  const port = await bed.open();
  const seen = [await script.look(port)];
  const replies: unknown[] = [];
  for (const move of script.moves) {
    replies.push(await move.send(port));
    seen.push(await script.look(port));
  }
  return { seen, replies };
};

/** From the first move that may not have happened to the last. */
const finish = async <Port>(port: Port, script: CrashScript<Port>, from: number, replies: unknown[]) => {
  for (let i = from; i < script.moves.length; i++) {
    const move = script.moves[i]!;
    expect({ move: move.name, reply: await move.send(port) }).toEqual({ move: move.name, reply: replies[i] });
  }
};

/**
 * Runs the script once undisturbed, then again for every point of a crash: after each acknowledged move, and while each
 * one is under way. What was acknowledged must be there, a move under way wholly or not at all. After it the caller
 * does what it would do in life, with the reply of its latest move lost: sends that move again, and goes on to the end.
 */
export const crashEverywhere = async <Port>(
  makeBed: () => Promise<TestBed<Port>>,
  script: CrashScript<Port>,
): Promise<void> => {
  const within = async <T>(use: (bed: TestBed<Port>) => Promise<T>): Promise<T> => {
    const bed = await makeBed();
    try {
      return await use(bed);
    } finally {
      await bed.dispose();
    }
  };
  const length = script.moves.length;
  const { seen, replies } = await within((bed) => undisturbed(bed, script));

  for (let k = 0; k <= length; k++) {
    await within(async (bed) => {
      const port = await bed.open();
      for (const move of script.moves.slice(0, k)) await move.send(port);
      await bed.crash();
      const again = await bed.open();
      expect({ acknowledged: k, seen: await script.look(again) }).toEqual({ acknowledged: k, seen: seen[k] });
      await finish(again, script, Math.max(0, k - 1), replies);
      expect(await script.look(again)).toEqual(seen[length]);
    });
    const underWay = script.moves[k];
    if (underWay === undefined) continue;
    for (const turns of TURNS) {
      await within(async (bed) => {
        const port = await bed.open();
        for (const move of script.moves.slice(0, k)) await move.send(port);
        const cut = settleAll([underWay.send(port)]);
        for (let i = 0; i < turns; i++) await turn();
        await bed.crash();
        await cut;
        const again = await bed.open();
        expect([seen[k], seen[k + 1]]).toContainEqual(await script.look(again));
        await finish(again, script, k, replies);
        expect(await script.look(again)).toEqual(seen[length]);
      });
    }
  }
};
