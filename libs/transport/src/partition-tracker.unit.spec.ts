import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeRuns, encodeRuns, metadataCharsAtMost } from './finished-runs.js';
import { Admitted, PartitionTracker } from './partition-tracker.js';

const ROOM = 4_096;
const at = (offset: number, metadata = ''): PartitionTracker =>
  new PartitionTracker({ offset, metadata }, ROOM);

/** Admits offsets; gives back what is to be finished. */
const admit = (tracker: PartitionTracker, ...offsets: number[]): Map<number, Admitted> => {
  const admitted = new Map<number, Admitted>();
  for (const offset of offsets) {
    const record = new Admitted(offset);
    if (tracker.admit(record)) admitted.set(offset, record);
  }
  return admitted;
};

describe('PartitionTracker', () => {
  it('stands below the oldest unfinished record, and remembers what is finished above', () => {
    const tracker = at(10);
    const records = admit(tracker, 10, 11, 12, 13);
    tracker.finish(records.get(11)!);
    tracker.finish(records.get(13)!);
    expect(tracker.position()).toEqual({ offset: 10, metadata: encodeRuns(10, [11, 12, 13, 14], ROOM) });
    tracker.finish(records.get(10)!);
    expect(tracker.position()).toEqual({ offset: 12, metadata: encodeRuns(12, [13, 14], ROOM) });
    tracker.finish(records.get(12)!);
    expect(tracker.position()).toEqual({ offset: 14, metadata: '' });
  });

  it('passes over offsets that the log left out', () => {
    const tracker = at(0);
    const records = admit(tracker, 5, 9);
    expect(tracker.watermark).toBe(5);
    tracker.finish(records.get(5)!);
    expect(tracker.watermark).toBe(9);
    tracker.finish(records.get(9)!);
    expect(tracker.watermark).toBe(10);
  });

  it('skips what comes again, in flight or finished', () => {
    const tracker = at(0);
    const records = admit(tracker, 0, 1, 2);
    tracker.finish(records.get(1)!);
    expect(admit(tracker, 0, 1, 2, 3)).toEqual(new Map([[3, expect.any(Admitted)]]));
    expect(tracker.unfinished).toBe(3);
  });

  it('skips what an earlier owner finished, and says so again in its own position', () => {
    const metadata = encodeRuns(10, [12, 14, 20, 25], ROOM);
    const tracker = at(10, metadata);
    expect(tracker.position()).toEqual({ offset: 10, metadata });
    const records = admit(tracker, 10, 11, 12, 13, 14, 15);
    expect([...records.keys()]).toEqual([10, 11, 14, 15]);
    for (const record of records.values()) tracker.finish(record);
    expect(tracker.position()).toEqual({ offset: 16, metadata: encodeRuns(16, [20, 25], ROOM) });
    expect([...admit(tracker, 20, 21, 24, 25).keys()]).toEqual([25]);
  });

  it('moves on by itself over a run that begins where it stands', () => {
    expect(at(10, encodeRuns(10, [10, 15], ROOM)).position()).toEqual({ offset: 15, metadata: '' });
  });

  it.each(['', 'r2:AQE', 'r1:', 'r1:§§', 'r1:AQ', 'r1:gA', 'r1:AQA', 'r1:_____________w', 'nonsense'])(
    'ignores the metadata %j',
    (metadata) => {
      expect(admit(at(10, metadata), 10, 11, 12).size).toBe(3);
    },
  );

  it('takes in what was finished before it came', () => {
    const tracker = at(0);
    for (const offset of [5, 3, 4, 0, 9]) tracker.finishAhead(offset);
    expect(tracker.position()).toEqual({ offset: 1, metadata: encodeRuns(1, [3, 6, 9, 10], ROOM) });
    expect([...admit(tracker, 0, 1, 2, 3, 4, 5, 6).keys()]).toEqual([1, 2, 6]);
  });

  it('counts far beyond 32 bits', () => {
    const base = 2 ** 52;
    const tracker = at(base);
    const records = admit(tracker, base, base + 1, base + 2 ** 40);
    tracker.finish(records.get(base + 1)!);
    tracker.finish(records.get(base + 2 ** 40)!);
    const { offset, metadata } = tracker.position();
    expect(offset).toBe(base);
    expect(decodeRuns(offset, metadata)).toEqual([base + 1, base + 2 ** 40 + 1]);
  });

  it('stays within the metadata, and says so before it is full', () => {
    const room = 1_000;
    const tracker = new PartitionTracker({ offset: 0, metadata: '' }, room);
    const records = admit(tracker, ...Array.from({ length: 2_000 }, (_, i) => i));
    for (let offset = 1; offset < 2_000; offset += 2) {
      const foretold = tracker.metadataLoad;
      tracker.finish(records.get(offset)!);
      records.delete(offset);
      const { length } = tracker.position().metadata;
      expect(length).toBeLessThanOrEqual(room);
      if (length > 0.76 * room) expect(foretold).toBeGreaterThanOrEqual(0.75);
      if (length > 0.99 * room) break;
    }
    expect(tracker.metadataLoad).toBeGreaterThan(0.99);
    for (const [offset, record] of records) if (offset % 200 !== 0) tracker.finish(record);
    expect(tracker.metadataLoad).toBeLessThan(0.5);
  });

  it('asks for no room where there is none', () => {
    const tracker = new PartitionTracker({ offset: 0, metadata: '' }, 0);
    const records = admit(tracker, 0, 1, 2);
    tracker.finish(records.get(1)!);
    expect(tracker.position()).toEqual({ offset: 0, metadata: '' });
    expect(tracker.metadataLoad).toBe(0);
  });

  it('agrees with a plain set, whatever comes in whatever order', () => {
    type Step = { admit: number } | { again: number } | { finish: number } | { ahead: number } | 'restart';
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 6, arbitrary: fc.record({ admit: fc.constantFrom(1, 1, 1, 2, 200) }) },
      { weight: 6, arbitrary: fc.record({ finish: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ again: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ ahead: fc.integer({ min: 0, max: 300 }) }) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const log: number[] = [];
        const finished = new Set<number>();
        let tracker = at(0);
        let pending = new Map<number, Admitted>();
        let next = 0;
        const offer = (offset: number) => {
          const record = new Admitted(offset);
          const known = finished.has(offset) || pending.has(offset);
          expect(tracker.admit(record)).toBe(!known);
          if (!known) pending.set(offset, record);
        };
        for (const s of steps) {
          if (s === 'restart') {
            const { offset, metadata } = tracker.position();
            tracker = at(offset, metadata);
            pending = new Map();
            for (const o of log) if (o >= offset) offer(o);
          } else if ('admit' in s) {
            next += s.admit;
            log.push(next);
            offer(next);
          } else if ('again' in s) {
            for (const o of log.slice(s.again % (log.length + 1))) offer(o);
          } else if ('ahead' in s) {
            finished.add(next + s.ahead + 1);
            tracker.finishAhead(next + s.ahead + 1);
          } else if (pending.size > 0) {
            const [offset, record] = [...pending][s.finish % pending.size]!;
            pending.delete(offset);
            finished.add(offset);
            tracker.finish(record);
          }
          expect(tracker.unfinished).toBe(pending.size);
          const { offset, metadata } = tracker.position();
          const runs = decodeRuns(offset, metadata);
          const covered = (o: number) =>
            o < offset || runs.some((start, i) => i % 2 === 0 && o >= start && o < runs[i + 1]!);
          expect(log.filter((o) => covered(o) !== finished.has(o))).toEqual([]);
          expect([...finished].filter((o) => !covered(o))).toEqual([]);
          expect(metadata.length).toBeLessThanOrEqual(Math.ceil(tracker.metadataLoad * ROOM));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('finished runs as text', () => {
  const someRuns = fc
    .array(
      fc.tuple(
        fc.oneof(
          fc.integer({ min: 1, max: 300 }),
          fc.nat(2 ** 40).map((n) => n + 1),
        ),
        fc.oneof(
          fc.integer({ min: 1, max: 300 }),
          fc.nat(2 ** 40).map((n) => n + 1),
        ),
      ),
      { maxLength: 50 },
    )
    .map((pairs) => {
      let from = 1_000;
      return pairs.flatMap(([gap, length]) => {
        const start = from + gap;
        from = start + length;
        return [start, from];
      });
    });

  it('gives back what went in', () => {
    fc.assert(
      fc.property(someRuns, (runs) =>
        expect(decodeRuns(1_000, encodeRuns(1_000, runs, 100_000))).toEqual(runs),
      ),
    );
  });

  it('leaves out the far end where the room ends', () => {
    fc.assert(
      fc.property(someRuns, fc.nat(60), (runs, maxChars) => {
        const text = encodeRuns(1_000, runs, maxChars);
        expect(text.length).toBeLessThanOrEqual(maxChars);
        const kept = decodeRuns(1_000, text);
        expect(runs.slice(0, kept.length)).toEqual(kept);
      }),
    );
  });

  it('is never longer than foretold', () => {
    fc.assert(
      fc.property(someRuns, (runs) => {
        const width = (runs[runs.length - 1] ?? 1_000) - 1_000;
        expect(encodeRuns(1_000, runs, 100_000).length).toBeLessThanOrEqual(
          metadataCharsAtMost(runs.length / 2, width),
        );
      }),
    );
  });

  it('reads any text without failing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const runs = decodeRuns(5, `r1:${text}`);
        expect(runs.every((n, i) => Number.isSafeInteger(n) && n >= (runs[i - 1] ?? 5))).toBe(true);
      }),
    );
  });
});
