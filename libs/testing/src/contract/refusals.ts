import { expect } from '@jest/globals';
import { DormouseError, type ErrorCode } from '#contracts';

/** The error that `call` rejects with; fails when it resolves or the error isn't one of ours. */
export const refusal = async (call: Promise<unknown>): Promise<DormouseError> => {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    if (DormouseError.is(error)) return error;
    throw new Error(`expected an error of ours, not ${String(error)}`, { cause: error });
  }
  throw new Error(`expected a refusal, not ${JSON.stringify(answer)}`);
};

export const expectRefused = async (call: Promise<unknown>, ...codes: ErrorCode[]): Promise<void> => {
  expect(codes).toContain((await refusal(call)).code);
};

/** What became of a call. */
export type Settled<T> = { ok: true; value: T } | { ok: false; error: unknown };

/** Waits for every call, however it ends. */
export const settleAll = async <T>(calls: readonly Promise<T>[]): Promise<Settled<T>[]> =>
  Promise.all(
    calls.map((call) =>
      call.then(
        (value): Settled<T> => ({ ok: true, value }),
        (error: unknown): Settled<T> => ({ ok: false, error }),
      ),
    ),
  );

/** Calls that were under way at a `close`: each has happened, or is refused as `closed` or `unavailable`. */
export const expectHappenedOrRefused = <T>(settled: readonly Settled<T>[]): void => {
  for (const one of settled) {
    if (one.ok) continue;
    expect(
      DormouseError.is(one.error) && ['closed', 'unavailable'].includes(one.error.code)
        ? 'refused'
        : one.error,
    ).toBe('refused');
  }
};
