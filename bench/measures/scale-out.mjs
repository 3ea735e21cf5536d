// What a second dispatcher adds: the same sessions of one call of a tool that hashes for about 20 ms, by one dispatcher
// and then by two.
import { ended, submitBatch } from '../client.mjs';

const hashing = () => ({ plan: { steps: [{ id: 'hash', tool: 'hash', parameters: {} }] } });

const workOff = async (url, sessions) => {
  const start = performance.now();
  await ended(url, await submitBatch(url, Array.from({ length: sessions }, hashing)));
  return (performance.now() - start) / 1000;
};

/** Until both have had something to do: the newcomer has its share of the partitions. */
const shared = async (server) => {
  for (;;) {
    const cpu = server.processes.map((process) => process.cpuMs());
    await workOff(server.url, 100);
    const used = server.processes.slice(1).map((process, i) => process.cpuMs() - cpu[i + 1]);
    if (Math.min(...used) > 0.25 * Math.max(...used)) return;
  }
};

export const scaleOut = async ({ server, sessions = 500 }) => {
  await workOff(server.url, 100);
  const one = await workOff(server.url, sessions);
  await server.add(['dispatcher']);
  await shared(server);
  const two = await workOff(server.url, sessions);
  return {
    sessions,
    seconds: +(one + two).toFixed(3),
    one_s: +one.toFixed(3),
    two_s: +two.toFixed(3),
    ratio: +(one / two).toFixed(3),
  };
};
