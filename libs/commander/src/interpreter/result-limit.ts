import type { ErrorData } from '#contracts';
import type { Conclusion, Decision } from '../brain.js';
import { bytesBeyond } from '#state';

const tooLarge = (bytes: number, limit: number): ErrorData => ({
  code: 'result_too_large',
  message: `The session's result has ${bytes} bytes; the limit is ${limit} (DORMOUSE_RESULT_LIMIT). The timeline has each step's own.`,
  retryable: false,
  details: { executed: true, bytes, limit },
});

/**
 * A session's result beyond the limit is left out and the session says so: what its steps did is done, and each of
 * their results is within the limit and in the timeline.
 */
export const fitDecision = (decision: Decision, limit: number): Decision => {
  const { finish } = decision;
  if (finish === undefined || finish.kind === 'parked' || finish.result === undefined) return decision;
  const bytes = bytesBeyond(finish.result, limit);
  if (bytes === undefined) return decision;
  return finish.kind === 'completed'
    ? { ...decision, finish: { kind: 'completed', result: null, error: tooLarge(bytes, limit) } }
    : { ...decision, finish: { kind: 'failed', error: finish.error } };
};

/** The same for a session that ends otherwise; its error tells more than the size would. */
export const fitConclusion = (conclusion: Conclusion, limit: number): Conclusion => {
  const { closing } = conclusion;
  if (closing?.result === undefined || bytesBeyond(closing.result, limit) === undefined) return conclusion;
  const { result: _, ...rest } = closing;
  return { ...conclusion, closing: rest };
};
