import type { IntentRun } from './intent.run.js';
import type { Parts } from './parts.js';

/** Takes a place in flight for the run, waiting for one where none is free. A durable timer needs none. */
export const place = (parts: Parts, run: IntentRun): Promise<void> | undefined => {
  if (run.placed || run.tool?.timerMs !== undefined) return undefined;
  const waiting = parts.places.acquire();
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
  parts.places.release();
};
