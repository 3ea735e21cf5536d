// One session at a time, from submit to its terminal event.
import { runSession } from '../client.mjs';
import { session } from '../workload.mjs';

export const latency = async ({ server, sessions = 200, effect = 'pure' }) => {
  for (let i = 0; i < 50; i++) await runSession(server.url, session(effect));
  const times = [];
  const start = performance.now();
  for (let i = 0; i < sessions; i++) {
    const t = performance.now();
    await runSession(server.url, session(effect));
    times.push(performance.now() - t);
  }
  const seconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const quantile = (q) => +(times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0).toFixed(3);
  return { sessions, effect, seconds: +seconds.toFixed(3), p50_ms: quantile(0.5), p99_ms: quantile(0.99) };
};
