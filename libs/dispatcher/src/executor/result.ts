import type { ErrorData, Json } from '#contracts';
import { bytesBeyond } from '#state';
import { jsonCopy } from '../plain.copy.js';

/**
 * A tool's result as JSON, sharing nothing with what the tool returned. Nothing (`undefined`) is null.
 *
 * @returns the result, or the error that its intent fails with: the tool has run, and that is said in the details
 */
export const readResult = (value: unknown, limitBytes: number): { result: Json } | { error: ErrorData } => {
  if (value === undefined || value === null) return { result: null };
  let result: Json | undefined;
  let why = 'a value of this type has no JSON';
  try {
    result = jsonCopy(value);
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (result === undefined)
    return {
      error: {
        code: 'result_not_json',
        message: `the tool returned a ${typeof value} that is no JSON: ${why}`,
        retryable: false,
        details: { executed: true },
      },
    };
  const bytes = bytesBeyond(result, limitBytes);
  if (bytes === undefined) return { result };
  return {
    error: {
      code: 'result_too_large',
      message: `the tool returned ${bytes} bytes of JSON; at most ${limitBytes} are taken (DORMOUSE_RESULT_LIMIT)`,
      retryable: false,
      details: { executed: true, bytes, limit_bytes: limitBytes },
    },
  };
};
