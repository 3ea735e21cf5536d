// How late durable timers are when many are due at the same moment: sessions that sleep until a deadline that all of them
// share. Three schedulers see to them, each in a process of its own.
import { ended, list, submitBatch, text } from '../client.mjs';
import { histogramOf, quantile, shareWithin } from '../histogram.mjs';
import { asleep } from '../workload.mjs';

/** Time for one session to fall asleep, and for all that follows it. */
const ASLEEP_MS = 5;
const REST_MS = 10_000;
/** How late the promise lets 99 of 100 be. */
const PROMISED_S = 1;

const lateness = async ({ processes }) => {
  const scrapes = await Promise.all(processes.map(({ url }) => text(url, '/metrics')));
  return histogramOf(scrapes, 'dormouse_wakeup_lateness_seconds', { reason: 'due' });
};

export const timers = async ({ server, sessions = 10_000 }) => {
  const dueAt = Date.now() + sessions * ASLEEP_MS + REST_MS;
  const deadline = new Date(dueAt).toISOString();
  const ids = await submitBatch(
    server.url,
    Array.from({ length: sessions }, () => ({ ...asleep(), deadline })),
  );
  while ((await list(server.url, 'queued', 1)).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 250));
  const spareMs = dueAt - Date.now();
  if (spareMs < 0) throw new Error(`expected all to sleep before they are due; took ${-spareMs} ms longer`);
  const before = await lateness(server);
  if (before.count > 0) throw new Error(`expected no timer before they are due, got ${before.count}`);
  await new Promise((resolve) => setTimeout(resolve, spareMs));
  await ended(server.url, ids);

  const late = await lateness(server);
  const ends = (await list(server.url, 'failed', sessions)).map((s) => Date.parse(s.updated_at) - dueAt);
  return {
    sessions,
    p50_ms: Math.round(quantile(late, 0.5) * 1000),
    p99_ms: Math.round(quantile(late, 0.99) * 1000),
    within_1s: +shareWithin(late, PROMISED_S).toFixed(4),
    sent: late.count,
    ended_p99_ms: ends.sort((a, b) => a - b)[Math.ceil(0.99 * ends.length) - 1],
  };
};
