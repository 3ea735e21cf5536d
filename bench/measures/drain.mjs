// How fast a burst is worked off: from the first byte sent to the last terminal snapshot.
import { ended, lastEnd, submitBatch } from '../client.mjs';
import { session } from '../workload.mjs';

const STEPS = 3;
const WARM_UP = 200;

const burst = (sessions, effect) => Array.from({ length: sessions }, () => session(effect, STEPS));

export const drain = async ({ server, engine, sessions = 2000, effect = 'pure' }) => {
  await ended(server.url, await submitBatch(server.url, burst(WARM_UP, effect)));

  const bodies = burst(sessions, effect);
  const cpu = server.cpuMs();
  const serversCpu = engine.serversCpuMs();
  const start = Date.now();
  const ids = await submitBatch(server.url, bodies);
  const accepted = (Date.now() - start) / 1000;
  await ended(server.url, ids);
  const used = server.cpuMs() - cpu;
  const usedByServers = serversCpu === undefined ? undefined : engine.serversCpuMs() - serversCpu;

  const seconds = ((await lastEnd(server.url, ids, sessions + WARM_UP)) - start) / 1000;
  return {
    sessions,
    effect,
    seconds: +seconds.toFixed(3),
    accepted_s: +accepted.toFixed(3),
    sessions_per_s: Math.round(sessions / seconds),
    steps_per_s: Math.round((sessions * STEPS) / seconds),
    cpu_ms_per_session: +(used / sessions).toFixed(3),
    ...(usedByServers === undefined
      ? {}
      : { servers_cpu_ms_per_session: +(usedByServers / sessions).toFixed(3) }),
  };
};
