// How fast a burst is worked off: from the first byte sent to the last terminal snapshot.
import { anyLive, list, runSession, submitBatch } from '../client.mjs';
import { cpuMs } from '../server.mjs';
import { session } from '../workload.mjs';

const STEPS = 3;

export const drain = async ({ server, sessions = 2000, effect = 'pure' }) => {
  for (const warm of await submitBatch(
    server.url,
    Array.from({ length: 50 }, () => session(effect, STEPS)),
  ))
    void warm;
  await runSession(server.url, session(effect, STEPS));
  while (await anyLive(server.url)) await new Promise((resolve) => setTimeout(resolve, 10));

  const bodies = Array.from({ length: sessions }, () => session(effect, STEPS));
  const cpu = cpuMs(server.pid);
  const start = performance.now();
  const ids = await submitBatch(server.url, bodies);
  const accepted = (performance.now() - start) / 1000;
  while (await anyLive(server.url)) await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = (performance.now() - start) / 1000;
  const used = cpuMs(server.pid) - cpu;

  const done = new Set((await list(server.url, 'completed', sessions + 100)).map((s) => s.session_id));
  const missing = ids.filter((id) => !done.has(id));
  if (missing.length > 0)
    throw new Error(`expected ${sessions} completed sessions, ${missing.length} are not: ${missing[0]}`);
  return {
    sessions,
    effect,
    seconds: +seconds.toFixed(3),
    accepted_s: +accepted.toFixed(3),
    sessions_per_s: Math.round(sessions / seconds),
    cpu_ms_per_session: +(used / sessions).toFixed(3),
    steps_per_s: Math.round((sessions * STEPS) / seconds),
  };
};
