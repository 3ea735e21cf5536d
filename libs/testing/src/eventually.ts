export interface EventuallyOptions {
  /** how long the condition is waited for; default 30 s */
  timeoutMs?: number;
  /** pause between two looks; default 5 ms */
  everyMs?: number;
  /** names the condition in the error */
  what?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_EVERY_MS = 5;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Waits until `condition` neither throws nor answers `false`, `null` or `undefined`, and returns its answer.
 * A condition with nothing to answer asserts and returns `true`, or is written as a chain of `expect`s in `settles`.
 * @throws what the condition threw last, or an error naming `what`, when the time is over
 */
export const eventually = async <T>(
  condition: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false | null | undefined>> => {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, everyMs = DEFAULT_EVERY_MS, what = condition.toString() } = options;
  const end = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await condition();
      if (answer !== false && answer !== null && answer !== undefined) {
        return answer as Exclude<T, false | null | undefined>;
      }
      failure = new Error(`not within ${timeoutMs} ms: ${what}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= end) throw failure;
    await pause(everyMs);
  }
};

/** Waits until `assertions` stop throwing. */
export const settles = async (
  assertions: () => void | Promise<void>,
  options: EventuallyOptions = {},
): Promise<void> => {
  await eventually(async () => {
    await assertions();
    return true;
  }, options);
};
