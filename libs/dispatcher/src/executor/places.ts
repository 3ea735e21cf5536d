import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';

/** Takes a place in flight for the run, waiting for one where none is free. A durable timer needs none. */
export const place = (parts: Parts, run: IntentRun): Promise<void> | undefined => {
  const { tool, intent } = run;
  if (run.placed || tool?.timerMs !== undefined) return undefined;
  const waiting = parts.slots.acquire(intent.tool, tool?.spec.concurrency);
  if (waiting === undefined) {
    run.placed = true;
    return undefined;
  }
  return waiting.then(() => {
    run.placed = true;
  });
};

export const unplace = (parts: Parts, run: IntentRun): void => {
  if (!run.placed) return;
  run.placed = false;
  parts.slots.release(run.intent.tool);
};
