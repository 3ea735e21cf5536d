import { DormouseError, type ErrorCode, type FieldProblem, type Json, type Problem } from '#contracts';

/** The media type of every error. https://www.rfc-editor.org/rfc/rfc9457 */
export const PROBLEM_TYPE = 'application/problem+json';

interface Meaning {
  status: number;
  title: string;
}

const internal: Meaning = { status: 500, title: 'Internal error' };

/** The one place where an error code becomes an HTTP status. A code that isn't named here is an error of ours: 500. */
const MEANINGS: Partial<Record<ErrorCode, Meaning>> = {
  invalid_request: { status: 400, title: 'Invalid request' },
  invalid_plan: { status: 400, title: 'Invalid plan' },
  invalid_cursor: { status: 400, title: 'Invalid cursor' },
  unknown_tool: { status: 400, title: 'Unknown tool' },
  invalid_parameters: { status: 400, title: 'Invalid parameters' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  idempotency_conflict: { status: 409, title: 'Idempotency key used for another request' },
  session_ended: { status: 409, title: 'Session has ended' },
  not_awaited: { status: 409, title: 'Nothing waits for this answer' },
  already_answered: { status: 409, title: 'Answered already' },
  messages_rejected: { status: 409, title: 'Session takes no messages' },
  digest_mismatch: { status: 409, title: 'Another call than the one looked at' },
  body_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  no_brain: { status: 422, title: 'No brain for this session' },
  too_many_messages: { status: 429, title: 'Too many unread messages' },
  overloaded: { status: 429, title: 'Overloaded' },
  unavailable: { status: 503, title: 'Unavailable' },
  store_emptied: { status: 503, title: 'Store was emptied' },
  closed: { status: 503, title: 'Shutting down' },
  newer_version: { status: 503, title: 'Written by a newer release' },
  internal,
};

/** Raised for a request that is wrong; names each field. */
export class InvalidRequest extends DormouseError {
  constructor(
    message: string,
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(
      'invalid_request',
      message,
      fields.length === 0 ? {} : { details: { fields: fields.map((f) => ({ ...f })) } },
    );
  }

  /** The message says what the fields say, for those who read only that. */
  static ofFields(fields: readonly FieldProblem[]): InvalidRequest {
    const sentences = fields.map(
      (f) => `${f.field === '' ? 'the body' : f.field}: expected ${f.expected}; came ${f.came}`,
    );
    return new InvalidRequest(sentences.join('. '), fields);
  }
}

const isFieldList = (value: unknown): value is FieldProblem[] =>
  Array.isArray(value) &&
  value.every(
    (f: unknown) => typeof f === 'object' && f !== null && 'field' in f && 'expected' in f && 'came' in f,
  );

/** Splits an error's details into what the problem document has a member for, and the rest. */
const membersOf = (details: Json | undefined): Partial<Problem> => {
  if (details === undefined) return {};
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return { details };
  const { fields, session_id: sessionId, ...rest } = details;
  return {
    ...(isFieldList(fields) ? { fields } : {}),
    ...(typeof sessionId === 'string' ? { session_id: sessionId } : {}),
    ...(Object.keys(rest).length === 0 ? {} : { details: rest }),
  };
};

/** The problem document of an error. What isn't an error of ours says nothing about its inside. */
export const problemOf = (error: unknown): Problem => {
  if (!DormouseError.is(error)) return document('internal', 'An unexpected error; the server has logged it.');
  const { status } = MEANINGS[error.code] ?? internal;
  if (status === internal.status)
    return document('internal', 'An unexpected error; the server has logged it.');
  return { ...document(error.code, error.message), ...membersOf(error.details) };
};

const document = (code: ErrorCode, detail: string): Problem => {
  const { status, title } = MEANINGS[code] ?? internal;
  return { type: `urn:dormouse:problem:${code}`, title, status, detail, code };
};

/** The statuses that a call with these error codes can answer, for the API's own description. */
export const statusesOf = (codes: readonly ErrorCode[]): number[] =>
  [...new Set(codes.map((code) => (MEANINGS[code] ?? internal).status))].sort((a, b) => a - b);
