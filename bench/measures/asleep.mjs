// What a sleeping session costs: anonymous resident memory after a forced collection, and what the store keeps.
import { ended, list, submitBatch } from '../client.mjs';
import { asleep as sleeping, session } from '../workload.mjs';

/** Every session sleeps when no claim, message or commit is under way any more: the resident figure stands still. */
const settled = async (server) => {
  let last = await server.residentBytes();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await server.residentBytes();
    if (Math.abs(now - last) < 1 << 20) return now;
    last = now;
  }
};

export const asleep = async ({ server, engine, sessions = 10_000 }) => {
  // as many sessions go through beforehand: what the process reserves for work isn't a sleeper's
  const worked = Array.from({ length: sessions }, () => session('pure', 1));
  await ended(server.url, await submitBatch(server.url, worked));
  const before = { resident: await settled(server), ...(await engine.kept(server)) };
  const start = performance.now();
  await submitBatch(server.url, Array.from({ length: sessions }, sleeping));
  while ((await list(server.url, 'queued', 1)).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 250));
  const seconds = (performance.now() - start) / 1000;
  const after = { resident: await settled(server), ...(await engine.kept(server)) };
  const waiting = (await list(server.url, 'waiting_tool', sessions + 1)).length;
  if (waiting !== sessions) throw new Error(`expected ${sessions} sessions asleep, got ${waiting}`);
  return {
    sessions,
    seconds: +seconds.toFixed(3),
    ...Object.fromEntries(
      Object.keys(after).map((where) => [
        `${where}_bytes_per_session`,
        Math.round((after[where] - before[where]) / sessions),
      ]),
    ),
  };
};
