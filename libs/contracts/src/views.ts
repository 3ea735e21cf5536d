import { type Static, Type } from '@sinclair/typebox';
import { ERROR_CODES } from './errors.js';
import { EITHER_INPUT_OR_PLAN, SessionView, Submission, TimelineEntry } from './session.js';
import { EFFECT_CLASSES, type ToolSpec } from './tools.js';

/*
 * What the REST API answers beside the session itself. One schema each: the type, the validation in tests and the
 * OpenAPI document all come from it.
 */

/** One field of a request that is wrong. */
export const FieldProblem = Type.Object(
  {
    field: Type.String({
      description: 'JSON pointer into the body, `query.<name>`, `header.<name>` or `path.<name>`',
    }),
    expected: Type.String(),
    came: Type.String(),
  },
  { title: 'FieldProblem' },
);
export type FieldProblem = Static<typeof FieldProblem>;

/** An error of the REST API. RFC 9457, `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:dormouse:problem:<code>' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'what was expected, what came, what to do' }),
    code: Type.Union(
      ERROR_CODES.map((code) => Type.Literal(code)),
      { description: 'stable; clients may switch on it' },
    ),
    fields: Type.Optional(Type.Array(FieldProblem)),
    session_id: Type.Optional(
      Type.String({ description: 'of the session that exists although the call failed' }),
    ),
    details: Type.Optional(Type.Unknown()),
  },
  { title: 'Problem' },
);
export type Problem = Static<typeof Problem>;

/** `GET /v1/sessions` */
export const SessionList = Type.Object({
  sessions: Type.Array(SessionView),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type SessionList = Static<typeof SessionList>;

/** `GET /v1/sessions/{id}/timeline` */
export const Timeline = Type.Object({ session_id: Type.String(), entries: Type.Array(TimelineEntry) });
export type Timeline = Static<typeof Timeline>;

/** The body of `POST /v1/sessions/{id}/cancel`. */
export const CancelRequest = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1024 })),
    compensate: Type.Optional(Type.Boolean({ description: 'undo what was done; default false' })),
  },
  { additionalProperties: false },
);
export type CancelRequest = Static<typeof CancelRequest>;

/** A tool as `GET /v1/tools` answers it. */
export const ToolView = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    parameters: Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of the parameters' }),
    effect: Type.Union([...EFFECT_CLASSES, 'by_parameters' as const].map((effect) => Type.Literal(effect))),
    compensation: Type.Optional(Type.String({ description: 'the tool that undoes it' })),
    timeout_ms: Type.Integer(),
    idle_timeout_ms: Type.Optional(
      Type.Number({ description: 'a run that sends no heartbeat for so long is aborted' }),
    ),
    queue_ttl_ms: Type.Optional(
      Type.Number({ description: 'an intent that nobody has begun after so long is not run any more' }),
    ),
    retry: Type.Object({
      max_attempts: Type.Integer(),
      initial_ms: Type.Number(),
      factor: Type.Number(),
      max_ms: Type.Number(),
    }),
    concurrency: Type.Optional(
      Type.Integer({ description: 'at most so many runs at once, in all processes together' }),
    ),
    approval: Type.Union(
      ['never', 'always', 'by_parameters'].map((approval) => Type.Literal(approval)),
      { description: 'whether its calls are held until a person approves them' },
    ),
    served_by: Type.Union([Type.Literal('dispatcher'), Type.Literal('external')]),
  },
  { title: 'Tool' },
);
export type ToolView = Static<typeof ToolView>;

export const ToolList = Type.Object({ tools: Type.Array(ToolView) });
export type ToolList = Static<typeof ToolList>;

export const toolView = (spec: ToolSpec): ToolView => ({
  name: spec.name,
  description: spec.description,
  parameters: spec.parameters,
  effect: spec.effect,
  ...(spec.compensation === undefined ? {} : { compensation: spec.compensation }),
  timeout_ms: spec.timeoutMs,
  ...(spec.idleTimeoutMs === undefined ? {} : { idle_timeout_ms: spec.idleTimeoutMs }),
  ...(spec.queueTtlMs === undefined ? {} : { queue_ttl_ms: spec.queueTtlMs }),
  retry: {
    max_attempts: spec.retry.maxAttempts,
    initial_ms: spec.retry.initialMs,
    factor: spec.retry.factor,
    max_ms: spec.retry.maxMs,
  },
  ...(spec.concurrency === undefined ? {} : { concurrency: spec.concurrency }),
  approval: spec.approval ?? 'never',
  served_by: spec.servedBy,
});

/** `GET /health/live` */
export const Liveness = Type.Object({
  status: Type.Literal('ok'),
  pid: Type.Integer(),
  instance: Type.String(),
  roles: Type.Array(Type.String()),
  version: Type.String(),
});
export type Liveness = Static<typeof Liveness>;

/** `GET /health/ready` */
export const Readiness = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not_ready')]),
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      ok: Type.Boolean(),
      detail: Type.Optional(Type.String({ description: 'what is wrong' })),
    }),
  ),
});
export type Readiness = Static<typeof Readiness>;

/** The header `Idempotency-Key`, and `idempotency_key` in a line of a batch. */
export const IdempotencyKey = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[\\x20-\\x7E]+$',
  description: 'the same key and body: the same session; the same key with another body: 409',
});

/** The header `Dormouse-Tenant`. */
export const Tenant = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$', default: 'default' });
export const DEFAULT_TENANT = 'default';

/** One line of `POST /v1/sessions/batch`: the body of a submission, with its key beside it. */
export const BatchLine = Type.Object(
  { ...Submission.properties, idempotency_key: Type.Optional(IdempotencyKey) },
  { additionalProperties: false, title: 'BatchLine', oneOf: EITHER_INPUT_OR_PLAN },
);
export type BatchLine = Static<typeof BatchLine>;

/** The answer to one line: the session, or (a line with `code`) a problem. */
export const BatchAnswer = Type.Union([
  Type.Object({ session_id: Type.String(), status: SessionView.properties.status }),
  Problem,
]);
export type BatchAnswer = Static<typeof BatchAnswer>;
