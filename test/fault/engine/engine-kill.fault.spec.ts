import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '#engine';
import { WriterProcess } from './child.js';
import { ROWS, rowValue, TABLE } from './written.js';

let dir: string;
const writers: WriterProcess[] = [];
const start = (durability: string, from: number, atOnce?: number): WriterProcess => {
  const writer = new WriterProcess(dir, durability, from, atOnce);
  writers.push(writer);
  return writer;
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dormouse-kill-'));
});
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.kill();
  rmSync(dir, { recursive: true, force: true });
});

/** How many moves are there; fails when one is there in part, or one is missing below another. */
const movesFound = async (): Promise<number> => {
  const engine = await Engine.open({ dir });
  try {
    return await engine.read((view) => {
      const rows = view.range(engine.text(TABLE), { start: '0', end: ':' });
      const counts = new Map<number, number>();
      let wrong = 0;
      for (const { key, value } of rows) {
        const [number = 0, row = 0] = key.split('|').map(Number);
        if (value !== rowValue(number, row)) wrong++;
        counts.set(number, (counts.get(number) ?? 0) + 1);
      }
      const torn = [...counts].filter(([, count]) => count !== ROWS).map(([number]) => number);
      const latest = Number(view.get(engine.text(TABLE), 'latest') ?? -1);
      const missing = Array.from({ length: latest + 1 }, (_, i) => i).filter((number) => !counts.has(number));
      expect({ wrong, torn, missing, latest }).toEqual({
        wrong: 0,
        torn: [],
        missing: [],
        latest: counts.size - 1,
      });
      return counts.size;
    });
  } finally {
    await engine.close();
  }
};

describe('kill -9 of a process that writes at full speed', () => {
  it.each([
    ['process', [1, 700, 8_000, 15_000]],
    ['power', [1, 300, 2_000]],
  ] as const)(
    'takes nothing acknowledged, leaves no move in part, and no gap (%s)',
    async (durability, kills) => {
      let found = 0;
      for (const acknowledged of kills) {
        const writer = start(durability, found);
        await writer.printed(1 + acknowledged);
        await writer.kill();
        const numbers = writer.lines.slice(1).map(Number);
        expect(writer.lines[0]).toBe('open');
        expect(numbers.length).toBeGreaterThanOrEqual(acknowledged);
        found = await movesFound();
        expect(numbers.filter((number) => number >= found)).toEqual([]);
      }
    },
    120_000,
  );
});

describe('a folder', () => {
  it('has one process at a time, whose name the others are told, and is free when that one was killed', async () => {
    const holder = start('process', 0, 0);
    await holder.printed(1);
    const refused = await Engine.open({ dir }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'data_dir_in_use', details: { pid: holder.pid } });
    await holder.kill();
    expect(readdirSync(dir).some((name) => name.endsWith('.sock'))).toBe(true);
    const engine = await Engine.open({ dir });
    expect(readdirSync(dir).filter((name) => name.endsWith('.sock'))).toHaveLength(1);
    await engine.close();
  });

  it('goes to one of several processes that come at once', async () => {
    const both = [start('process', 0, 0), start('process', 0, 0), start('process', 0, 0)];
    await Promise.all(both.map((writer) => writer.printed(1)));
    expect(both.map(({ lines }) => lines[0]).sort()).toEqual([
      'open',
      'refused data_dir_in_use',
      'refused data_dir_in_use',
    ]);
  });
});
