// Whether slow tools hold anybody up: many sessions of one call of a tool that takes its time and holds its place, on
// one dispatcher. The tool's own time is the floor.
import { ended, submitBatch } from '../client.mjs';
import { slow } from '../workload.mjs';

export const TOOL_MS = 5000;

export const slowTool = async ({ server, sessions = 2000 }) => {
  const start = performance.now();
  await ended(
    server.url,
    await submitBatch(
      server.url,
      Array.from({ length: sessions }, () => slow(TOOL_MS)),
    ),
  );
  return { sessions, tool_ms: TOOL_MS, seconds: +((performance.now() - start) / 1000).toFixed(3) };
};
