// How long sessions stand still when a dispatcher goes while it runs their tools: from the signal to the first progress
// of the session that waited longest. Once by kill -9, once by SIGTERM.
import { ask, ended, list, submitBatch } from '../client.mjs';

const TOOL_MS = 200;
/** the load goes on for longer than anything takes to be noticed */
const STEPS = 400;

const busy = () => ({
  plan: {
    steps: Array.from({ length: STEPS }, (_, i) => ({
      id: `s${i}`,
      tool: 'slow',
      parameters: { ms: TOOL_MS },
    })),
  },
});

/** In much less than a step takes, so that the first progress of each is seen. */
const LOOK_EVERY_MS = 40;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when each of the latest `count` sessions has gone on since `since`: how long after it the last one did, ms. */
const goneOn = async (url, count, since) => {
  const first = new Map();
  for (;;) {
    for (const { session_id, updated_at } of await list(url, undefined, count)) {
      const at = Date.parse(updated_at);
      if (at > since && !first.has(session_id)) first.set(session_id, at);
    }
    if (first.size === count) return Math.max(...first.values()) - since;
    await pause(LOOK_EVERY_MS);
  }
};

const stopped = async ({ server, sessions }, signal) => {
  const { url } = server;
  const ids = await submitBatch(url, Array.from({ length: sessions }, busy));
  await goneOn(url, sessions, Date.now());
  // in the middle of a run of most of them
  await pause(TOOL_MS * (1 + Math.random()));
  const victim = server.processes.at(-1);
  const since = Date.now();
  victim.child.kill(signal);
  const ms = await goneOn(url, sessions, since);
  await Promise.all(ids.map((id) => ask(url, 'POST', `/v1/sessions/${id}/cancel`, {})));
  await ended(url, ids);
  await server.replace(victim, ['dispatcher']);
  return ms;
};

export const pickUp = async ({ server, sessions = 100 }) => {
  const start = performance.now();
  const ms = await stopped({ server, sessions }, 'SIGKILL');
  const sigterm = await stopped({ server, sessions }, 'SIGTERM');
  return { sessions, seconds: +((performance.now() - start) / 1000).toFixed(3), ms, sigterm_ms: sigterm };
};
