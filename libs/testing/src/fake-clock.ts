/** A clock that stands still until it is moved. */
export interface FakeClock {
  /** milliseconds since the epoch */
  now(): number;
  /** Moves time on and wakes the sleepers that are due on the way, each at its own time, earliest first. */
  advance(ms: number): Promise<void>;
  /** Resolves when the clock has been moved on by `ms`. */
  sleep(ms: number): Promise<void>;
  /** how many sleep now */
  sleepers(): number;
}

interface Sleeper {
  at: number;
  wake: () => void;
}

const START = Date.UTC(2026, 0, 27, 10);

/** Lets everything run that only waits for promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @param startMs where time begins; default: 2026-01-27T10:00:00Z */
export const fakeClock = (startMs: number = START): FakeClock => {
  let now = startMs;
  let sleeping: Sleeper[] = [];
  const earliestUntil = (end: number): Sleeper | undefined =>
    sleeping.filter((s) => s.at <= end).sort((a, b) => a.at - b.at)[0];

  return {
    now: () => now,
    sleepers: () => sleeping.length,
    sleep: (ms) =>
      new Promise((resolve) => {
        if (ms <= 0) resolve();
        else sleeping.push({ at: now + ms, wake: resolve });
      }),
    advance: async (ms) => {
      if (ms < 0) throw new RangeError(`a clock is moved forward only, not by ${ms} ms`);
      const end = now + ms;
      for (let next = earliestUntil(end); next !== undefined; next = earliestUntil(end)) {
        const due = next;
        now = Math.max(now, due.at);
        sleeping = sleeping.filter((s) => s !== due);
        due.wake();
        await settle();
      }
      now = end;
    },
  };
};
