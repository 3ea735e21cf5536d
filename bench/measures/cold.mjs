// From the start of the process to the first completed session.
import { runSession } from '../client.mjs';
import { session } from '../workload.mjs';

export const cold = async ({ server, effect = 'pure' }) => {
  await runSession(server.url, session(effect));
  const ms = performance.now() - server.startedAt;
  return { sessions: 1, effect, seconds: +(ms / 1000).toFixed(3), first_completed_ms: Math.round(ms) };
};
