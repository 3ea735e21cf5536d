import { describe, expect, it } from '@jest/globals';
import { runSchedule, type ScheduleReport, type SimulatorOptions } from '#simulator';
import { askedBeside, askedInTurn } from './profiles.js';
import { quietly } from './quietly.js';

/** The same with every build, so that a build tells of its own change alone; another one looks elsewhere. */
const FIRST = Number(process.env['SEED'] ?? 1_000_000);
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 600);

/** Crashes above all: what was handled shortly before is handed out again. */
const CRASHES: SimulatorOptions['weights'] = { crash_before: 20, crash_after: 40 };

quietly();

/** The first schedule that breaks a promise, told readably; undefined when there is none. */
const firstFinding = async (
  from: number,
  schedules: number,
  options: SimulatorOptions = {},
): Promise<string | undefined> => {
  for (let seed = from; seed < from + schedules; seed++) {
    const { findings } = await runSchedule(seed, options);
    if (findings.length === 0) continue;
    const { trace = '' } = await runSchedule(seed, options, true);
    return `seed ${seed}\n${findings.map(({ promise, what }) => `${promise}: ${what}`).join('\n')}\n${trace}`;
  }
  return undefined;
};

describe('a seed', () => {
  it('is one schedule: the same trace to the byte, whatever ran before', async () => {
    const traces = async (seeds: number[]) => {
      const reports: ScheduleReport[] = [];
      for (const seed of seeds) reports.push(await runSchedule(seed, {}, true));
      return new Map(reports.map((report) => [report.seed, report]));
    };
    const seeds = Array.from({ length: 25 }, (_, i) => FIRST + i);
    const first = await traces(seeds);
    const second = await traces([...seeds].reverse());
    for (const seed of seeds) expect(second.get(seed)).toEqual(first.get(seed));
    expect(new Set([...first.values()].map(({ trace }) => trace)).size).toBe(seeds.length);
  });

  it('runs the same untraced', async () => {
    const { trace: _, ...traced } = await runSchedule(7, {}, true);
    expect(await runSchedule(7)).toEqual(traced);
  });
});

describe(`schedules (SEED=${FIRST} SCHEDULES=${SCHEDULES})`, () => {
  it('keep every promise when nothing goes wrong, and then what is due happens at its time', async () => {
    expect(await firstFinding(1, Math.ceil(SCHEDULES / 5), { faults: 0 })).toBeUndefined();
  });

  it('keep every promise through crashes, freezes, lost replies, duplicates, outages and rebalances', async () => {
    expect(await firstFinding(1, Math.ceil(SCHEDULES / 2))).toBeUndefined();
    expect(await firstFinding(FIRST, SCHEDULES)).toBeUndefined();
  });

  it('keep every promise through twice as many faults', async () => {
    expect(await firstFinding(FIRST, Math.ceil(SCHEDULES / 3), { faults: 12 })).toBeUndefined();
  });

  it.each([
    ['one after the other', askedInTurn],
    ['beside tools of ours', askedBeside],
  ])('keep every promise with programs of others that name no intent, %s', async (_, scenario) => {
    expect(await firstFinding(FIRST, SCHEDULES, { scenario })).toBeUndefined();
    expect(await firstFinding(FIRST, SCHEDULES, { scenario, weights: CRASHES })).toBeUndefined();
  });

  it('keep every promise while people write to sessions that ask', async () => {
    expect(await firstFinding(FIRST, Math.ceil(SCHEDULES / 2), { messages: true })).toBeUndefined();
    expect(
      await firstFinding(FIRST, Math.ceil(SCHEDULES / 5), { messages: true, faults: 12 }),
    ).toBeUndefined();
  });

  it('run nothing that a person is asked about before it is approved, and then once', async () => {
    expect(await firstFinding(1, Math.ceil(SCHEDULES / 10), { approvals: true, faults: 0 })).toBeUndefined();
    expect(await firstFinding(FIRST, Math.ceil(SCHEDULES / 4), { approvals: true })).toBeUndefined();
    const forgetful = { approvals: true, trust: 'forgetful' } as const;
    expect(await firstFinding(FIRST, Math.ceil(SCHEDULES / 10), forgetful)).toBeUndefined();
  });

  it('keep every promise while people write, and are asked about calls, at once', async () => {
    const options = { messages: true, approvals: true };
    expect(await firstFinding(FIRST, Math.ceil(SCHEDULES / 4), options)).toBeUndefined();
  });

  it('leave no session hanging when a store comes back without its last writes', async () => {
    expect(await firstFinding(FIRST, Math.ceil(SCHEDULES / 3), { trust: 'forgetful' })).toBeUndefined();
  });
});
