import {
  BatchAnswer,
  BatchLine,
  CancelRequest,
  type ErrorCode,
  IdempotencyKey,
  Liveness,
  Readiness,
  ResolutionRequest,
  SESSION_STATUSES,
  SessionList,
  SessionView,
  Submission,
  Timeline,
  TimelineEntry,
  ToolList,
} from '#contracts';
import { DEAD_LETTER_OPERATIONS } from './dead-letter.operations.js';
import {
  type Answer,
  id,
  JSON_TYPE,
  type Operation,
  page,
  type Parameter,
  query,
  tenant,
} from './operation.js';

const key: Parameter = { name: 'Idempotency-Key', in: 'header', schema: IdempotencyKey };
const trace: Parameter = {
  name: 'traceparent',
  in: 'header',
  description: 'W3C trace context; the session joins the trace',
  schema: { type: 'string' },
};
const intent: Parameter = {
  name: 'intent_id',
  in: 'path',
  required: true,
  description: 'an intent of the session',
  schema: { type: 'string' },
};
const session: Answer = { description: 'the session', mediaType: JSON_TYPE, schema: SessionView };

/** Errors of the calls that answer a session that waits for a person. */
const ANSWERING: readonly ErrorCode[] = [
  'not_found',
  'session_ended',
  'not_awaited',
  'already_answered',
  'body_too_large',
  'unsupported_media_type',
  'unavailable',
];

export const OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/sessions',
    id: 'submitSession',
    tag: 'sessions',
    summary: 'Give a task to an agent',
    description:
      '202: the session is in the store and in the log. 503: it is not known to be accepted; repeat with the same key.',
    parameters: [tenant, key, trace],
    body: { mediaType: JSON_TYPE, schema: Submission, required: true },
    answers: {
      202: {
        ...session,
        headers: { Location: { description: 'of the session', schema: { type: 'string' } } },
      },
    },
    errors: [
      'invalid_plan',
      'body_too_large',
      'unsupported_media_type',
      'idempotency_conflict',
      'no_brain',
      'overloaded',
      'unavailable',
    ],
  },
  {
    method: 'post',
    path: '/v1/sessions/batch',
    id: 'submitBatch',
    tag: 'sessions',
    summary: 'Give many tasks, streamed both ways',
    description:
      'Each line is a body of POST /v1/sessions with `idempotency_key` beside it; every line that is not blank is answered by one line, in order. A cut connection leaves accepted what was answered, and maybe more.',
    parameters: [tenant],
    body: { mediaType: 'application/x-ndjson', schema: BatchLine, required: true },
    answers: {
      200: { description: 'a line an answer', mediaType: 'application/x-ndjson', schema: BatchAnswer },
    },
    errors: ['unsupported_media_type', 'unavailable'],
  },
  {
    method: 'get',
    path: '/v1/sessions',
    id: 'listSessions',
    tag: 'sessions',
    summary: 'List sessions, newest first',
    description:
      'May lag by a second. A page may be shorter than `limit` although there is a `next_cursor`. `metadata.<key>=<value>` keeps the sessions that have it; several must all match.',
    parameters: [
      tenant,
      query('status', 'only sessions in this status', { type: 'string', enum: [...SESSION_STATUSES] }),
      query('created_after', 'only later ones', { type: 'string', format: 'date-time' }),
      ...page('sessions'),
    ],
    answers: { 200: { description: 'a page', mediaType: JSON_TYPE, schema: SessionList } },
    errors: ['invalid_cursor', 'unavailable'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{id}',
    id: 'getSession',
    tag: 'sessions',
    summary: 'Look at a session',
    parameters: [id, tenant],
    answers: { 200: session },
    errors: ['not_found', 'unavailable'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{id}/timeline',
    id: 'getTimeline',
    tag: 'sessions',
    summary: 'All that happened in a session, in order',
    parameters: [id, tenant],
    answers: { 200: { description: 'every entry', mediaType: JSON_TYPE, schema: Timeline } },
    errors: ['not_found', 'unavailable'],
  },
  {
    method: 'get',
    path: '/v1/sessions/{id}/events',
    id: 'followSession',
    tag: 'sessions',
    summary: 'Follow a session live',
    description:
      "Server-sent events: `id` is the entry's `seq`, `data` the entry as JSON (schema: TimelineEntry). Ends after the terminal entry. `Last-Event-ID` resumes with nothing lost or doubled; when nothing can follow any more the answer is 204.",
    parameters: [
      id,
      tenant,
      {
        name: 'Last-Event-ID',
        in: 'header',
        description: 'seq of the last entry seen',
        schema: { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 },
      },
    ],
    answers: {
      200: { description: 'the stream', mediaType: 'text/event-stream', schema: TimelineEntry },
      204: { description: 'the session has ended and its terminal entry was seen' },
    },
    errors: ['not_found', 'unavailable'],
  },
  {
    method: 'post',
    path: '/v1/sessions/{id}/cancel',
    id: 'cancelSession',
    tag: 'sessions',
    summary: 'Cancel a session',
    description: 'Answers 202 again on a repeat. With `compensate` what was done is undone.',
    parameters: [id, tenant, key],
    body: { mediaType: JSON_TYPE, schema: CancelRequest, required: false },
    answers: { 202: session },
    errors: [
      'not_found',
      'session_ended',
      'idempotency_conflict',
      'body_too_large',
      'unsupported_media_type',
      'unavailable',
    ],
  },
  {
    method: 'post',
    path: '/v1/sessions/{id}/resolutions/{intent_id}',
    id: 'resolveIntent',
    tag: 'sessions',
    summary: 'Settle what a parked session stands still for',
    description:
      'An intent of `stuck`: one of which nobody knows whether it was done, or an undoing that failed. `succeeded`: it was done, with `result`; `failed`: it was not, and an undoing is given up; `retry`: it is run again as a new intent, with `parameters` if given. The session goes on when nothing is stuck any more. Who and why is in the timeline. A second answer is a 409.',
    parameters: [id, intent, tenant, key],
    body: { mediaType: JSON_TYPE, schema: ResolutionRequest, required: true },
    answers: { 202: session },
    errors: ANSWERING,
  },
  {
    method: 'get',
    path: '/v1/tools',
    id: 'listTools',
    tag: 'tools',
    summary: 'The tools that a session may use',
    answers: { 200: { description: 'the catalogue', mediaType: JSON_TYPE, schema: ToolList } },
    errors: [],
  },
  ...DEAD_LETTER_OPERATIONS,
  {
    method: 'get',
    path: '/health/live',
    id: 'live',
    tag: 'health',
    summary: 'Whether the process runs',
    answers: { 200: { description: 'it does', mediaType: JSON_TYPE, schema: Liveness } },
    errors: [],
  },
  {
    method: 'get',
    path: '/health/ready',
    id: 'ready',
    tag: 'health',
    summary: 'Whether all that the process needs works',
    answers: {
      200: { description: 'it does', mediaType: JSON_TYPE, schema: Readiness },
      503: { description: 'it does not: send no traffic', mediaType: JSON_TYPE, schema: Readiness },
    },
    errors: [],
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    tag: 'health',
    summary: 'What this process counts and measures, for Prometheus',
    answers: {
      200: { description: 'in the text format 0.0.4', mediaType: 'text/plain', schema: { type: 'string' } },
    },
    errors: [],
  },
  {
    method: 'get',
    path: '/openapi.json',
    id: 'openapi',
    tag: 'description',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1', mediaType: JSON_TYPE, schema: { type: 'object' } } },
    errors: [],
  },
];
