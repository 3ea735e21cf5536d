// A burst that comes faster than it can be worked off: how fast it is accepted while it is worked off already, how fast
// it is worked off, and by how much the largest process grows while the backlog stands.
import { ended, lastEnd, request, submitBatch } from '../client.mjs';
import { session } from '../workload.mjs';

const STEPS = 3;
const WARM_UP = 500;
const LOOK_EVERY_MS = 250;

const many = (sessions, effect) => Array.from({ length: sessions }, () => session(effect, STEPS));

/** Looks at all processes until it is stopped; tells the most that one grew, in bytes. */
const watchGrowth = (processes) => {
  const before = processes.map((process) => process.anonymousBytes());
  let most = 0;
  const look = () =>
    processes.forEach((process, i) => (most = Math.max(most, process.anonymousBytes() - before[i])));
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
};

/** Runs of the tool by all dispatchers, as their metrics count them. */
const toolRuns = async (processes) => {
  let runs = 0;
  for (const { url } of processes) {
    const { body } = await request(url, 'GET', '/metrics', undefined, 'text');
    for (const [, count] of body.matchAll(/^dormouse_tool_duration_seconds_count\{[^}]*\} (\d+)/gm))
      runs += Number(count);
  }
  return runs;
};

export const burst = async ({ server, sessions = 100_000, effect = 'pure' }) => {
  await ended(server.url, await submitBatch(server.url, many(WARM_UP, effect)));
  // what each has reserved for work already
  await server.residentBytes();
  const runsBefore = await toolRuns(server.processes);
  const stopWatching = watchGrowth(server.processes);
  const start = Date.now();
  const ids = await submitBatch(server.url, many(sessions, effect));
  const accepted = (Date.now() - start) / 1000;
  await ended(server.url, ids);
  const growth = stopWatching();
  const runs = (await toolRuns(server.processes)) - runsBefore;

  const seconds = ((await lastEnd(server.url, ids, sessions + WARM_UP)) - start) / 1000;
  return {
    sessions,
    effect,
    seconds: +seconds.toFixed(3),
    accepted_per_s: Math.round(sessions / accepted),
    drained_per_s: Math.round(sessions / seconds),
    growth_mb: Math.round(growth / (1 << 20)),
    repeated_runs: runs - sessions * STEPS,
  };
};
