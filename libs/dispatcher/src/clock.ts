/** Where the dispatcher takes its time from; a test moves it. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** milliseconds from any beginning; never goes back */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
