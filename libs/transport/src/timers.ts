/** Time as the consumer sees it. Given in, so that tests can run years of it in a second. */
export interface Timers {
  /** ms since the epoch */
  now(): number;
  /** Calls `run` once, `delayMs` from now; what it returns goes to `clear`. */
  set(run: () => void, delayMs: number): unknown;
  clear(handle: unknown): void;
}

export const systemTimers: Timers = {
  now: () => Date.now(),
  set: (run, delayMs) => setTimeout(run, delayMs),
  clear: (handle) => {
    clearTimeout(handle as NodeJS.Timeout);
  },
};

/** The system's as well, but a process that waits for nothing else ends without them. */
export const backgroundTimers: Timers = {
  ...systemTimers,
  set: (run, delayMs) => setTimeout(run, delayMs).unref(),
};
