import {
  type CancelData,
  type CloudEvent,
  type ErrorCode,
  type ErrorData,
  EVENT_NAMES,
  type EventName,
  type JsonObject,
  type Outcome,
  OUTCOME_STATUSES,
  type ToolResultData,
} from '#contracts';
import { DeadLetterError } from '#transport';
import type { Observation } from '../core/input.js';
import { bytesBeyond } from '#state';
import { isShallow } from '../json-depth.js';
import { readApproval, readResolution } from './persons-observation.js';

/** What reading an observation needs to know of this deployment. */
export interface ReadingRules {
  deployment: string;
  resultLimitBytes: number;
}

const wrong = (event: CloudEvent, field: string, expected: string, came: unknown): DeadLetterError =>
  new DeadLetterError(
    'invalid_event',
    `${event.type} ${event.id}: data.${field}: expected ${expected}; came ${came === undefined ? 'nothing' : JSON.stringify(came).slice(0, 80)}`,
  );

/** Errors: {@link DeadLetterError} `invalid_event` */
const dataOf = (event: CloudEvent): Record<string, unknown> => {
  const { data } = event;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new DeadLetterError('invalid_event', `${event.type} ${event.id}: expected data to be an object`);
  return data as Record<string, unknown>;
};

/** Whose observation it is. Errors: {@link DeadLetterError} `invalid_event` */
export const sessionIdOf = (event: CloudEvent): string => {
  const { session_id } = dataOf(event);
  if (typeof session_id !== 'string' || session_id === '')
    throw wrong(event, 'session_id', 'a text that is not empty', session_id);
  return session_id;
};

/** One of ours carries our deployment's id; everything else was made by a program of others. */
export const isOurs = (event: CloudEvent, deployment: string): boolean => event.deploymentid === deployment;

/** The event as the machine takes it. Errors: {@link DeadLetterError} `invalid_event`, naming the field. */
export const readObservation = (name: EventName, event: CloudEvent, rules: ReadingRules): Observation => {
  const ours = isOurs(event, rules.deployment);
  const id = ours ? event.id : `${event.source} ${event.id}`;
  switch (name) {
    case EVENT_NAMES.sessionCreated:
      return { id, type: 'session_created' };
    case EVENT_NAMES.toolResult:
      return { id, ...readResult(event, rules, ours) };
    case EVENT_NAMES.cancel:
      return { id, ...readCancel(event) };
    case EVENT_NAMES.timer:
      return { id, type: 'timer', timer_id: text(event, 'timer_id') };
    case EVENT_NAMES.deadLetter:
      return { id, ...readDeadLetter(event) };
    case EVENT_NAMES.redriven:
      return { id, ...readRedriven(event) };
    case EVENT_NAMES.userMessage:
      return { id, type: 'user_message' };
    case EVENT_NAMES.approval:
      return { id, ...readApproval(event) };
    case EVENT_NAMES.resolution:
      return { id, ...readResolution(event) };
    case EVENT_NAMES.toolCall:
    case EVENT_NAMES.stepCommitted:
      throw new DeadLetterError('invalid_event', `${event.type} ${event.id} is no observation`);
  }
};

const text = (event: CloudEvent, field: string): string => {
  const value = dataOf(event)[field];
  if (typeof value !== 'string' || value === '') throw wrong(event, field, 'a text that is not empty', value);
  return value;
};
const textOrNone = (event: CloudEvent, field: string): string | undefined =>
  dataOf(event)[field] === undefined ? undefined : text(event, field);

const readCancel = (event: CloudEvent) => {
  const { compensate = false, reason } = dataOf(event);
  if (typeof compensate !== 'boolean') throw wrong(event, 'compensate', 'true or false', compensate);
  if (reason !== undefined && typeof reason !== 'string') throw wrong(event, 'reason', 'text', reason);
  const request_digest = textOrNone(event, 'request_digest');
  return {
    type: 'cancel',
    compensate,
    ...(reason === undefined ? {} : { reason }),
    ...(request_digest === undefined ? {} : { request_digest }),
  } satisfies Partial<Observation & CancelData>;
};

const readDeadLetter = (event: CloudEvent) => {
  const intent_id = textOrNone(event, 'intent_id');
  return {
    type: 'dead_letter',
    dead_letter: text(event, 'dead_letter'),
    reason: text(event, 'reason'),
    error: text(event, 'error'),
    event_id: text(event, 'event_id'),
    ...(intent_id === undefined ? {} : { intent_id }),
  } satisfies Partial<Observation>;
};

const readRedriven = (event: CloudEvent) => {
  const reason = textOrNone(event, 'reason');
  const event_id = textOrNone(event, 'event_id');
  return {
    type: 'redriven',
    dead_letter: text(event, 'dead_letter'),
    by: text(event, 'by'),
    ...(reason === undefined ? {} : { reason }),
    ...(event_id === undefined ? {} : { event_id }),
  } satisfies Partial<Observation>;
};

type ReadResult = Omit<Extract<Observation, { type: 'tool_result' }>, 'id'>;

const readResult = (event: CloudEvent, rules: ReadingRules, ours: boolean): ReadResult => {
  const intent_id = textOrNone(event, 'intent_id');
  const tool = textOrNone(event, 'tool_name');
  const digest = textOrNone(event, 'digest');
  const outcome = readOutcome(event);
  return {
    type: 'tool_result',
    ...(intent_id === undefined ? {} : { intent_id }),
    ...(tool === undefined ? {} : { tool }),
    ...(digest === undefined ? {} : { digest }),
    // our dispatchers keep to the limit themselves
    outcome: ours ? outcome : limited(outcome, rules.resultLimitBytes),
  };
};

/** A minimal worker says `status` and `result`; what else an outcome has is filled in. */
const readOutcome = (event: CloudEvent): Outcome => {
  const data = dataOf(event) as Partial<ToolResultData>;
  const status = OUTCOME_STATUSES.find((s) => s === data.status);
  if (status === undefined)
    throw wrong(event, 'status', `one of ${OUTCOME_STATUSES.join(', ')}`, data.status);
  const succeeded = status === 'succeeded';
  return {
    status,
    result: succeeded ? (data.result ?? null) : null,
    error: succeeded ? null : readError(event, data.error),
    attempts: typeof data.attempts === 'number' ? data.attempts : 1,
    started_at: typeof data.started_at === 'string' ? data.started_at : (event.time ?? ''),
    duration_ms: typeof data.duration_ms === 'number' ? data.duration_ms : 0,
  };
};

const readError = (event: CloudEvent, error: unknown): ErrorData => {
  if (error === undefined || error === null)
    return { code: 'tool_failed', message: 'The worker gave no reason.', retryable: false };
  if (typeof error !== 'object') throw wrong(event, 'error', '{code, message, retryable}', error);
  const { code, message, retryable, details } = error as Partial<ErrorData>;
  return {
    code: typeof code === 'string' ? code : 'tool_failed',
    message: typeof message === 'string' ? message : 'The worker gave no reason.',
    retryable: retryable === true,
    ...(details === undefined ? {} : { details }),
  };
};

/** Deeper results are nobody's on purpose, and can't be written out again. */
const MOST_LEVELS = 500;

/** A result that can't be kept is left out: it was executed, and nobody can hand it on. */
const limited = (outcome: Outcome, limit: number): Outcome => {
  if (!isShallow(outcome.result, MOST_LEVELS))
    return withoutResult(
      outcome,
      'result_not_json',
      `The result is nested deeper than ${MOST_LEVELS} levels.`,
      {},
    );
  const bytes = bytesBeyond(outcome.result, limit);
  return bytes === undefined
    ? outcome
    : withoutResult(
        outcome,
        'result_too_large',
        `The result has ${bytes} bytes; the limit is ${limit} (DORMOUSE_RESULT_LIMIT).`,
        { bytes, limit },
      );
};

const withoutResult = (outcome: Outcome, code: ErrorCode, message: string, facts: JsonObject): Outcome => ({
  ...outcome,
  status: 'failed',
  result: null,
  error: { code, message, retryable: false, details: { executed: true, ...facts } },
});
