import {
  DormouseError,
  type EffectClass,
  type ErrorData,
  type Json,
  type Outcome,
  repeatable,
  toolErrorKind,
} from '#contracts';
import { jsonCopy } from '../plain.copy.js';
import { shown } from '../registry/shown.js';
import type { Ending } from './ending.js';
import { readResult } from './result.js';

/** What the end of a run means for its intent (rule 5 of the protocol). */
export type Verdict =
  /** it is over */
  | { kind: 'ended'; status: Outcome['status']; result: Json; error: ErrorData | null }
  /** another run follows, after `afterMs` or by the policy */
  | { kind: 'retry'; error: ErrorData; afterMs: number | undefined }
  /** it may have been done and must not be repeated (rule 4) */
  | { kind: 'maybe_done'; error: ErrorData }
  /** we stopped it and nothing is lost by running it again: whoever has it next does; no attempt is used up */
  | { kind: 'given_back' };

export interface Judged {
  ending: Ending;
  effect: EffectClass;
  /** this run's number, 1 for the first */
  attempt: number;
  maxAttempts: number;
  /** the next run ends before the intent's deadline if it begins within so long; undefined: there is no deadline */
  roomMs: number | undefined;
  resultLimitBytes: number;
}

/** Names and codes of a request that was cut off on its way: Node's sockets, undici, `AbortSignal`. */
const CUT = new Set([
  'AbortError',
  'TimeoutError',
  'ABORT_ERR',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_ABORTED',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** What errors have in common, also those of another realm (a `vm`), which are no `Error` of ours. */
interface ErrorLike {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  cause?: unknown;
}
const isErrorLike = (value: unknown): value is ErrorLike => typeof value === 'object' && value !== null;

/** A timeout, an abort or a cut connection inside of the tool, which it let pass. `fetch` puts it under `cause`. */
const wasCut = (error: unknown): boolean => {
  for (let at: unknown = error, depth = 0; isErrorLike(at) && depth < 4; at = at.cause, depth++) {
    if (typeof at.name === 'string' && CUT.has(at.name)) return true;
    if (typeof at.code === 'string' && CUT.has(at.code)) return true;
  }
  return false;
};

const messageOf = (error: unknown): string => {
  if (typeof error === 'string') return error;
  if (isErrorLike(error)) {
    if (typeof error.message === 'string' && error.message !== '') return error.message;
    if (typeof error.name === 'string') return error.name;
  }
  return `the tool threw ${shown(error)}`;
};

/** Of what a tool may go on changing; what is no JSON is left out. */
const safeCopy = (details: unknown): Json | undefined => {
  try {
    return jsonCopy(details);
  } catch {
    return undefined;
  }
};

const dataOf = (error: unknown, retryable: boolean, heartbeat: Json | undefined): ErrorData => {
  const own = DormouseError.is(error) ? error : undefined;
  const details = safeCopy(own?.details ?? (heartbeat === undefined ? undefined : { heartbeat }));
  return {
    code: own?.code ?? 'tool_failed',
    message: messageOf(error),
    retryable,
    ...(details === undefined ? {} : { details }),
  };
};

const timeoutData = ({ cause, timeoutMs, heartbeat }: Extract<Ending, { kind: 'timeout' }>): ErrorData => ({
  ...(cause === 'idle'
    ? { code: 'tool_idle_timeout', message: `the tool sent no heartbeat for ${timeoutMs} ms` }
    : { code: 'tool_timeout', message: `the tool did not end within ${timeoutMs} ms` }),
  retryable: true,
  ...(heartbeat === undefined ? {} : { details: safeCopy({ heartbeat }) ?? null }),
});

const ended = (status: Outcome['status'], error: ErrorData): Verdict => ({
  kind: 'ended',
  status,
  result: null,
  error,
});

/** How long the tool asks to be left alone. */
const pauseOf = (error: unknown): number | undefined => {
  const { afterMs } = error as { afterMs?: unknown };
  return typeof afterMs === 'number' && Number.isFinite(afterMs) && afterMs >= 0 ? afterMs : undefined;
};

/** Another run, if attempts are left and the pause that was asked for ends in time; else it is over with `status`. */
const again = (
  { attempt, maxAttempts, roomMs = Infinity }: Judged,
  error: ErrorData,
  status: Outcome['status'],
  afterMs?: number,
): Verdict => {
  if (attempt >= maxAttempts) return ended(status, error);
  if (afterMs === undefined || afterMs <= roomMs) return { kind: 'retry', error, afterMs };
  const room = Math.max(0, Math.floor(roomMs));
  const message = `${error.message}; it is to be left alone for ${afterMs} ms, and the intent's deadline leaves ${room} ms for that`;
  return ended(status, { ...error, message });
};

/** It may have been done: what may be repeated is, as often as the policy has it; the rest is for rule 4. */
const maybe = (judged: Judged, error: ErrorData, afterMs?: number): Verdict => {
  const { effect } = judged;
  if (!repeatable(effect)) return { kind: 'maybe_done', error: { ...error, retryable: false } };
  // an effect that nobody saw the end of isn't guessed; what has none simply failed
  return again(judged, error, effect === 'pure' ? 'failed' : 'unknown', afterMs);
};

/** Says what the end of a run means. Pure. */
export const verdictOf = (judged: Judged): Verdict => {
  const { ending, effect } = judged;
  if (ending.kind === 'returned') {
    const read = readResult(ending.value, judged.resultLimitBytes);
    return 'error' in read
      ? ended('failed', read.error)
      : { kind: 'ended', status: 'succeeded', ...read, error: null };
  }
  if (ending.kind === 'timeout') return maybe(judged, timeoutData(ending));

  const { error, cause, heartbeat } = ending;
  const kind = toolErrorKind(error);
  if (kind === 'non_retryable') return ended('failed', dataOf(error, false, heartbeat));
  const stopped = cause === 'cancelled' || cause === 'lost' || cause === 'shutdown';
  const nothingDone = kind === 'retryable';
  if (stopped && (nothingDone || repeatable(effect))) {
    if (cause === 'cancelled')
      return ended('cancelled', {
        code: 'cancelled',
        message: 'it was cancelled while it ran',
        retryable: false,
      });
    return { kind: 'given_back' };
  }
  if (nothingDone) return again(judged, dataOf(error, true, heartbeat), 'failed', pauseOf(error));
  if (kind === 'unknown_outcome') return maybe(judged, dataOf(error, true, heartbeat), pauseOf(error));
  if (cause !== undefined || wasCut(error)) return maybe(judged, dataOf(error, true, heartbeat));
  // an error of ours that says no retry helps is believed
  if (DormouseError.is(error) && !error.retryable) return ended('failed', dataOf(error, false, heartbeat));
  if (!repeatable(effect)) return ended('failed', dataOf(error, false, heartbeat));
  return again(judged, dataOf(error, true, heartbeat), 'failed');
};
