import type { ErrorCode, Json } from '#contracts';
import type { AnsweredCall } from '../../brain.js';
import { quote } from './cut.js';
import type { ModelCall } from './turn.js';

/** A call that isn't made: the model reads why. @param at RFC 3339 */
export const refusedCall = (
  { id, name }: ModelCall,
  at: string,
  code: ErrorCode,
  message: string,
  details?: Json,
): AnsweredCall => ({
  // a model can invent a name of any length
  tool: quote(name, 64),
  call: id,
  outcome: {
    status: 'failed',
    result: null,
    error: { code, message, retryable: false, ...(details === undefined ? {} : { details }) },
    attempts: 0,
    started_at: at,
    duration_ms: 0,
  },
});
