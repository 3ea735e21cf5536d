import { describe, expect, it } from '@jest/globals';
import { type Around, type Finding, runSchedule, type SimulatorOptions } from '#simulator';
import { MUTANTS } from './mutants.js';
import { quietly } from './quietly.js';

/** A broken rule shows itself within so many schedules; most take a few. */
const MOST_SCHEDULES = 4_000;
/** So many calls of processes to servers too: a schedule in which something waits for ever makes thousands. */
const MOST_CALLS = 1_000_000;
/** The same schedules with the rule kept show nothing. */
const UNBROKEN_SCHEDULES = 300;

/** One thing before the other: `outer` sees a call first. */
const both = (inner: Around | undefined, outer: Around): Around => ({
  ports: (ports, process) => {
    const within = inner?.ports?.(ports, process) ?? ports;
    return outer.ports?.(within, process) ?? within;
  },
  ...(outer.handler === undefined ? {} : { handler: outer.handler }),
  ...(outer.tools === undefined ? {} : { tools: outer.tools }),
});

interface Found {
  schedule: number;
  findings: Finding[];
}

const firstFound = async (
  most: number,
  options: SimulatorOptions,
  shows?: Finding['promise'],
): Promise<Found | undefined> => {
  let made = 0;
  for (let schedule = 1; schedule <= most && made < MOST_CALLS; schedule++) {
    const { findings, calls } = await runSchedule(schedule, options);
    made += calls;
    if (findings.some(({ promise }) => shows === undefined || promise === shows))
      return { schedule, findings };
  }
  return undefined;
};

/** Each of the conditions under which rules are broken, once. */
const CONDITIONS = [
  ...new Map(
    MUTANTS.flatMap((mutant) => (mutant.options ? [[mutant.options, mutant] as const] : [])),
  ).values(),
];

quietly();

it('each rule of the protocol is broken by one at least', () => {
  expect([...new Set(MUTANTS.map(({ rule }) => rule))].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 16 }, (_, i) => i + 1),
  );
});

describe('a broken rule of the protocol is found', () => {
  it.each(MUTANTS)('$name: $breaks', async ({ name, around, shows, options = {} }) => {
    const wide = { ...options, around: both(options.around, around()) };
    const found = await firstFound(MOST_SCHEDULES, wide, shows);
    process.stdout.write(`${name}: found in schedule ${found?.schedule ?? 'none'}\n`);
    expect(found).toBeDefined();
  });

  it.each(CONDITIONS)(
    '$name: and what keeps it is not, under the same conditions',
    async ({ options = {} }) => {
      expect(await firstFound(UNBROKEN_SCHEDULES, options)).toBeUndefined();
    },
  );
});
