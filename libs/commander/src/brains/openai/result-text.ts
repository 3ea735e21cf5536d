import type { Outcome } from '#contracts';
import { head } from './cut.js';

/**
 * The longest result, in UTF-16 units, that a model is shown of one call: about 8,000 tokens, so that one large query
 * doesn't fill the context window. The history keeps all of it.
 */
export const MODEL_RESULT_LIMIT = 32_768;

/**
 * What the model reads of a call's outcome. A result is its JSON (a string result is its text); any other ending is an
 * object with `status` and `error`, so that the model can try another way.
 */
export const resultText = (outcome: Outcome): string => shorten(whole(outcome));

/** What the model reads of a call of which the session knows no outcome: no call may stay unanswered. */
export const MISSING_RESULT = JSON.stringify({
  status: 'unknown',
  error: {
    code: 'outcome_unknown',
    message: 'No outcome of this call is known; it may have been done or not.',
  },
});

const whole = (outcome: Outcome): string => {
  if (outcome.status === 'succeeded') {
    return typeof outcome.result === 'string' ? outcome.result : JSON.stringify(outcome.result);
  }
  const { status, error } = outcome;
  return JSON.stringify({
    status,
    error:
      error === null
        ? { code: status, message: `The call ended ${status}.` }
        : {
            code: error.code,
            message: error.message,
            ...(error.details === undefined ? {} : { details: error.details }),
          },
  });
};

const shorten = (text: string): string => {
  if (text.length <= MODEL_RESULT_LIMIT) return text;
  const shown = head(text, MODEL_RESULT_LIMIT);
  return `${shown}\n[cut here: this is the beginning, ${shown.length} of ${text.length} characters. Ask for less to see the rest.]`;
};
