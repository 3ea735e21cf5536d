import { type Static, Type } from '@sinclair/typebox';
import type { Json } from './json.js';

/**
 * Every `code` that an error of ours can carry: in a problem document, in an observation's `error`, in a log line.
 * Clients may switch on these; a code is never renamed.
 */
export const ERROR_CODES = [
  // the edge
  'invalid_request',
  'invalid_plan',
  'invalid_cursor',
  'not_found',
  'body_too_large',
  'unsupported_media_type',
  'method_not_allowed',
  'idempotency_conflict',
  'session_ended',
  'not_awaited',
  'already_answered',
  'messages_rejected',
  'too_many_messages',
  'digest_mismatch',
  'no_brain',
  'overloaded',
  'unavailable',
  'internal',
  // settings and start-up
  'invalid_settings',
  'data_dir_in_use',
  'tool_invalid',
  'newer_version',
  // running a tool
  'unknown_tool',
  'invalid_parameters',
  'approval_required',
  'approval_rejected',
  'tool_failed',
  'tool_timeout',
  'tool_idle_timeout',
  'queue_ttl_exceeded',
  'tool_aborted',
  'outcome_unknown',
  'result_too_large',
  'result_not_json',
  'cancelled',
  'ref_unresolved',
  // deciding
  'brain_failed',
  'brain_refused',
  'step_limit',
  'tool_call_limit',
  'token_limit',
  'deadline_exceeded',
  'step_failed',
  'compensation_failed',
  // the protocol
  'intent_conflict',
  'invalid_event',
  'payload_lost',
  'unattributable',
  'poison',
  'dead_letter',
  'lease_lost',
  'closed',
  // a store that lost its data
  'store_emptied',
  'rebuild_failed',
  'rebuild_refused',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error as plain data: what goes over the wire and into stores, readable in any language. */
export const ErrorData = Type.Object(
  {
    code: Type.String({ description: "one of the error codes, or a foreign worker's own" }),
    message: Type.String({ description: 'what was expected, what came, what to do' }),
    retryable: Type.Boolean({ description: 'trying again may help; the only field that retry code reads' }),
    details: Type.Optional(Type.Unsafe<Json>(Type.Unknown())),
  },
  { title: 'Error' },
);
export type ErrorData = Static<typeof ErrorData>;

const MARK = Symbol.for('dormouse.error');

export interface DormouseErrorOptions {
  retryable?: boolean;
  details?: Json;
  cause?: unknown;
}

/**
 * The base of every error that Dormouse raises. Recognised by a marker, so that two copies of the package agree.
 */
export class DormouseError extends Error {
  readonly [MARK] = true;
  readonly retryable: boolean;
  readonly details: Json | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: DormouseErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }

  static is(value: unknown): value is DormouseError {
    return typeof value === 'object' && value !== null && (value as { [MARK]?: unknown })[MARK] === true;
  }

  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** Thrown by a tool: stop at once, no retry helps. */
export class NonRetryableError extends DormouseError {
  readonly kind = 'non_retryable';
  constructor(message: string, options: { details?: Json; cause?: unknown } = {}) {
    super('tool_failed', message, { ...options, retryable: false });
  }
}

/** Thrown by a tool: nothing was done, and it is worth another try, after `afterMs` if given. */
export class RetryableError extends DormouseError {
  readonly kind = 'retryable';
  readonly afterMs: number | undefined;
  constructor(message: string, options: { afterMs?: number; details?: Json; cause?: unknown } = {}) {
    super('tool_failed', message, { ...options, retryable: true });
    this.afterMs = options.afterMs;
  }
}

/**
 * Thrown by a tool: it may have been done (a cut connection after the request was sent). Never guessed. What may be
 * repeated is, after `afterMs` if given.
 */
export class UnknownOutcomeError extends DormouseError {
  readonly kind = 'unknown_outcome';
  readonly afterMs: number | undefined;
  constructor(message: string, options: { afterMs?: number; details?: Json; cause?: unknown } = {}) {
    super('outcome_unknown', message, { ...options, retryable: false });
    this.afterMs = options.afterMs;
  }
}

/** Recognises the errors above by marker and `kind`, not by class identity. */
export const toolErrorKind = (
  error: unknown,
): 'non_retryable' | 'retryable' | 'unknown_outcome' | 'other' => {
  if (!DormouseError.is(error)) return 'other';
  const kind = (error as { kind?: unknown }).kind;
  return kind === 'non_retryable' || kind === 'retryable' || kind === 'unknown_outcome' ? kind : 'other';
};
