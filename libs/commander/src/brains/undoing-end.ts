import type { ErrorData, JsonObject } from '#contracts';
import type { Closing } from '../brain.js';

/** Something couldn't be undone. @param what the things, in the plural @param details names them for a program */
export const undoingStuck = (
  what: string,
  stuck: readonly string[],
  details: JsonObject,
  cause: ErrorData | undefined,
): Closing => ({
  status: 'parked',
  error: {
    code: 'compensation_failed',
    message: `These ${what} couldn't be undone: ${stuck.join(', ')}. A person has to look.`,
    retryable: false,
    details: { ...details, ...(cause === undefined ? {} : { cause: { ...cause } }) },
  },
});

/** The session's own error, with what was left as it is. */
export const withNotUndone = (
  error: ErrorData | undefined,
  skipped: readonly string[],
): ErrorData | undefined =>
  skipped.length === 0 || error === undefined
    ? error
    : { ...error, details: { not_undone: [...skipped], cause: error.details ?? null } };
