import type { Parameters } from 'fast-check';

/**
 * Parameters of a property: the seed is printed, and `DORMOUSE_TEST_SEED` sets it.
 * `DORMOUSE_TEST_RUNS` sets how often each property runs.
 */
export const propertyRuns = <T>(name: string, runs: number): Parameters<T> => {
  const given = process.env.DORMOUSE_TEST_SEED;
  const seed = given === undefined || given === '' ? Date.now() & 0x7fffffff : Number(given);
  const times = process.env.DORMOUSE_TEST_RUNS;
  process.stdout.write(`${name}: seed ${seed} (DORMOUSE_TEST_SEED repeats it)\n`);
  return {
    seed,
    numRuns: times === undefined || times === '' ? Math.ceil(runs) : Number(times),
    endOnFailure: false,
  };
};
