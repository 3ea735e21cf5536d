import { Buffer } from 'node:buffer';
import type { ErrorData, Json } from '#contracts';

// a UTF-16 unit is at most three bytes of UTF-8: most results need no counting
const MOST_BYTES_PER_UNIT = 3;

/**
 * A tool's result as JSON. Nothing (`undefined`) is null.
 *
 * @returns the result, or the error that its intent fails with: the tool has run, and that is said in the details
 */
export const readResult = (value: unknown, limitBytes: number): { result: Json } | { error: ErrorData } => {
  if (value === undefined || value === null) return { result: null };
  if (typeof value === 'boolean') return { result: value };
  let text: string | undefined;
  let why = 'a value of this type has no JSON';
  try {
    text = JSON.stringify(value);
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (text === undefined)
    return {
      error: {
        code: 'result_not_json',
        message: `the tool returned a ${typeof value} that is no JSON: ${why}`,
        retryable: false,
        details: { executed: true },
      },
    };
  if (text.length * MOST_BYTES_PER_UNIT > limitBytes) {
    const bytes = Buffer.byteLength(text);
    if (bytes > limitBytes)
      return {
        error: {
          code: 'result_too_large',
          message: `the tool returned ${bytes} bytes of JSON; at most ${limitBytes} are taken (DORMOUSE_RESULT_LIMIT)`,
          retryable: false,
          details: { executed: true, bytes, limit_bytes: limitBytes },
        },
      };
  }
  return { result: value as Json };
};
