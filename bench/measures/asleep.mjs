// What a sleeping session costs: anonymous resident memory after a forced collection, and disk.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { ask, ended, list, runSession, submitBatch } from '../client.mjs';
import { asleep as sleeping, memory, session } from '../workload.mjs';

const disk = (server) =>
  Number(
    execFileSync('du', ['-s', '-B1', path.join(server.dataDir, 'engine')])
      .toString()
      .split('\t')[0],
  );

const resident = async (server) => {
  const id = await runSession(server.url, memory());
  const { result } = await ask(server.url, 'GET', `/v1/sessions/${id}`);
  if (result?.memory?.collected !== true)
    throw new Error(`expected a forced collection, got ${JSON.stringify(result)}`);
  return result.memory.rss_anon;
};

/** Every session sleeps when no claim, message or commit is under way any more: the resident figure stands still. */
const settled = async (server) => {
  let last = await resident(server);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await resident(server);
    if (Math.abs(now - last) < 1 << 20) return now;
    last = now;
  }
};

export const asleep = async ({ server, sessions = 10_000 }) => {
  // as many sessions go through beforehand: what the process reserves for work isn't a sleeper's
  const worked = Array.from({ length: sessions }, () => session('pure', 1));
  await ended(server.url, await submitBatch(server.url, worked));
  const before = { resident: await settled(server), disk: disk(server) };
  const start = performance.now();
  await submitBatch(server.url, Array.from({ length: sessions }, sleeping));
  while ((await list(server.url, 'queued', 1)).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 250));
  const seconds = (performance.now() - start) / 1000;
  const after = { resident: await settled(server), disk: disk(server) };
  const waiting = (await list(server.url, 'waiting_tool', sessions + 1)).length;
  if (waiting !== sessions) throw new Error(`expected ${sessions} sessions asleep, got ${waiting}`);
  return {
    sessions,
    seconds: +seconds.toFixed(3),
    resident_bytes_per_session: Math.round((after.resident - before.resident) / sessions),
    disk_bytes_per_session: Math.round((after.disk - before.disk) / sessions),
  };
};
