import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from './index.js';

let dir: string;
let engine: Engine;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'dormouse-view-'));
  engine = await Engine.open({ dir });
});
afterEach(async () => {
  await engine.close();
  rmSync(dir, { recursive: true, force: true });
});

/** What the engine's timer does when the pause between two checkpoints is over. */
const startCheckpoint = (one: Engine): void => {
  const inner = one as unknown as { checkpoint: { last: number }; onTimer: () => void };
  inner.checkpoint.last = -Infinity;
  inner.onTimer();
};

const KEYS = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, '0')}`);
const key = fc.constantFrom(...KEYS);
const write = fc.record({
  kind: fc.constant('write' as const),
  key,
  // short ones and such that lie in a slab
  value: fc.option(fc.oneof(fc.string(), fc.string({ minLength: 100, maxLength: 300 })), { nil: null }),
});
const look = fc.record({
  kind: fc.constant('look' as const),
  start: key,
  end: key,
  limit: fc.integer({ min: 1, max: 14 }),
  reverse: fc.boolean(),
});
/** rows begin to move into the tree, while the next steps go on */
const freeze = fc.record({ kind: fc.constant('freeze' as const) });
const reopen = fc.record({ kind: fc.constant('reopen' as const), clean: fc.boolean() });

describe('rows', () => {
  it('are those of a sorted map, wherever they are: in memory, on their way, in the tree', async () => {
    const rounds = fc.array(
      fc.oneof({ weight: 8, arbitrary: write }, { weight: 4, arbitrary: look }, freeze, reopen),
      {
        minLength: 20,
        maxLength: 80,
      },
    );
    const seed = Date.now() & 0x7fffffff;
    process.stdout.write(`rows against a map: seed ${seed}\n`);
    await fc.assert(
      fc.asyncProperty(rounds, async (steps) => {
        const table = () => engine.text('aa');
        await engine.move((tx) => {
          for (const one of KEYS) tx.del(table(), one);
        });
        const model = new Map<string, string>();
        for (const step of steps) {
          if (step.kind === 'write') {
            const { value } = step;
            const missing = !model.has(step.key);
            if (value === null) model.delete(step.key);
            else model.set(step.key, value);
            await engine.move((tx) => {
              if (value === null) tx.del(table(), step.key);
              else tx.put(table(), step.key, value, missing);
            });
          } else if (step.kind === 'freeze') {
            startCheckpoint(engine);
          } else if (step.kind === 'reopen') {
            await (step.clean ? engine.close() : engine.abandon());
            engine = await Engine.open({ dir });
          } else {
            const { start, end, limit, reverse } = step;
            const expected = [...model]
              .filter(([k]) => k >= start && k < end)
              .sort(([a], [b]) => (a < b ? -1 : 1));
            if (reverse) expected.reverse();
            const rows = await engine.read((view) => view.range(table(), { start, end, limit, reverse }));
            expect(rows.map((row) => [row.key, row.value])).toEqual(expected.slice(0, limit));
            for (const one of KEYS)
              expect(await engine.read((view) => view.get(table(), one))).toBe(model.get(one));
          }
        }
      }),
      { seed, numRuns: 25, endOnFailure: true },
    );
  });

  it('that come and go before the tree sees them never reach it', async () => {
    const table = engine.text('aa');
    await engine.move((tx) => tx.put(table, 'gone', 'x', true));
    await engine.move((tx) => tx.del(table, 'gone'));
    await engine.move((tx) => tx.put(table, 'again', 'x', true));
    await engine.move((tx) => tx.del(table, 'again'));
    await engine.move((tx) => tx.put(table, 'again', 'y', true));
    await engine.close();
    engine = await Engine.open({ dir });
    const rows = await engine.read((view) => view.range(engine.text('aa'), { start: 'a', end: 'z' }));
    expect(rows).toEqual([{ key: 'again', value: 'y' }]);
  });

  it('stay as they were read, whatever is written where they lay', async () => {
    const table = engine.bytes('aa');
    const value = Buffer.alloc(1000, 'a');
    await engine.move((tx) => tx.put(table, 'k', value));
    const read = engine.peek((view) => view.get(table, 'k'));
    for (let round = 0; round < 3; round++) {
      startCheckpoint(engine);
      const next = engine as unknown as { flushing: Promise<void> | null; quiet: () => Promise<void> };
      await next.quiet();
      await engine.move((tx) => tx.put(table, `other${String(round)}`, Buffer.alloc(2000, 'b')));
    }
    expect(read?.equals(value)).toBe(true);
    expect(engine.peek((view) => view.get(table, 'k'))?.equals(value)).toBe(true);
  });
});
