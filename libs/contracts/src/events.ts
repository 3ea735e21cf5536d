import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { ErrorData } from './errors.js';
import type { EventAttributes } from './event-attributes.js';
import type { Json } from './json.js';
import { OUTCOME_STATUSES } from './outcome.js';
import { APPROVALS, RESOLUTIONS } from './people.js';
import { Submission } from './session.js';
import type { StepCommit } from './snapshot.js';
import { EFFECT_CLASSES } from './tools.js';
import { requestSpanId, type TraceCarry, traceparent } from './trace.js';

/**
 * A CloudEvent (CNCF CloudEvents 1.0.2, JSON format). Unknown attributes and fields are kept and ignored.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export interface CloudEvent<D = unknown> extends EventAttributes {
  data?: D;
  [extension: string]: unknown;
}

/** What follows the type prefix (`DORMOUSE_TYPE_PREFIX`, default `com.southwest.ai`). */
export const EVENT_NAMES = {
  toolCall: 'intent.tool_call',
  stepCommitted: 'intent.step_committed',
  toolResult: 'observation.tool_result',
  sessionCreated: 'observation.session_created',
  userMessage: 'observation.user_message',
  resolution: 'observation.resolution',
  approval: 'observation.approval',
  timer: 'observation.timer',
  cancel: 'observation.cancel',
  deadLetter: 'observation.dead_letter',
  redriven: 'observation.redriven',
} as const;
export type EventName = (typeof EVENT_NAMES)[keyof typeof EVENT_NAMES];
export const DEFAULT_TYPE_PREFIX = 'com.southwest.ai';
export const eventType = (prefix: string, name: EventName): string => `${prefix}.${name}`;
/** The version of `data` that this release writes; it reads this one and the one before. */
export const EVENT_VERSION = 1;
/** `dataschema` of every event: an identifier, not an address to fetch. */
export const dataSchema = (name: EventName): string => `urn:dormouse:schema:${name}/v${EVENT_VERSION}`;

export const DEFAULT_TOPICS = {
  intent: 'agent.intent',
  observation: 'agent.observation',
  deadLetter: 'agent.dead-letter',
} as const;
export const DEFAULT_GROUPS = { commander: 'commander_group', dispatcher: 'dispatcher_group' } as const;

const Id = Type.String({ minLength: 1 });

/** An intent. A dispatcher needs `session_id`, `tool_name` and `parameters` only; the rest is optional for it. */
export const ToolCallData = Type.Object({
  session_id: Id,
  trace_id: Type.Optional(Type.String()),
  tool_name: Id,
  parameters: Type.Record(Type.String(), Type.Unknown()),
  step: Type.Optional(Type.Integer()),
  deadline: Type.Optional(Type.String()),
  compensates: Type.Optional(Type.String()),
  /** the class that the Commander holds this call to: a plan step with its own compensation is compensatable */
  effect: Type.Optional(Type.Union(EFFECT_CLASSES.map((c) => Type.Literal(c)))),
  /** the person who approved this call; absent: nobody was asked */
  approved_by: Type.Optional(Type.String()),
  commit: Type.Optional(Type.Unsafe<StepCommit>(Type.Object({}))),
});
export type ToolCallData = Static<typeof ToolCallData>;

export const StepCommittedData = Type.Object({
  session_id: Id,
  trace_id: Type.Optional(Type.String()),
  commit: Type.Unsafe<StepCommit>(Type.Object({})),
});
export type StepCommittedData = Static<typeof StepCommittedData>;

/** An observation of a tool's end. A minimal worker may leave out all but `session_id`, `status` and `result`. */
export const ToolResultData = Type.Object({
  session_id: Id,
  trace_id: Type.Optional(Type.String()),
  intent_id: Type.Optional(Id),
  tool_name: Type.Optional(Type.String()),
  /** of tool and parameters, as the claim had it */
  digest: Type.Optional(Type.String()),
  status: Type.Union(OUTCOME_STATUSES.map((s) => Type.Literal(s))),
  result: Type.Optional(Type.Unsafe<Json>(Type.Unknown())),
  error: Type.Optional(Type.Union([ErrorData, Type.Null()])),
  attempts: Type.Optional(Type.Integer()),
  started_at: Type.Optional(Type.String()),
  duration_ms: Type.Optional(Type.Number()),
});
export type ToolResultData = Static<typeof ToolResultData>;

export const SessionCreatedData = Type.Object({
  session_id: Id,
  trace_id: Type.Optional(Type.String()),
  created_at: Type.String(),
  /** the whole body of the submission */
  submission: Submission,
  brain: Type.String(),
  body_digest: Type.Optional(Type.String()),
  warnings: Type.Optional(Type.Array(Type.String())),
});
export type SessionCreatedData = Static<typeof SessionCreatedData>;

/** What a person wrote to a session. */
export const UserMessageData = Type.Object({
  session_id: Id,
  content: Type.String(),
  /** of the snapshot that it was set down in before it was published */
  version: Type.Optional(Type.Integer()),
});
export type UserMessageData = Static<typeof UserMessageData>;

/** A person's answer to whether a held intent may run. */
export const ApprovalData = Type.Object({
  session_id: Id,
  intent_id: Id,
  decision: Type.Union(APPROVALS.map((d) => Type.Literal(d))),
  by: Type.String(),
  reason: Type.Optional(Type.String()),
  /** of tool and parameters, as the person saw them */
  digest: Type.String(),
  /** of the snapshot that it was set down in before it was published */
  version: Type.Optional(Type.Integer()),
  /** of the request and its Idempotency-Key: its repeat is answered as it was */
  request_digest: Type.Optional(Type.String()),
});
export type ApprovalData = Static<typeof ApprovalData>;

/** A person's answer for an intent that only a person can settle. */
export const ResolutionData = Type.Object({
  session_id: Id,
  intent_id: Id,
  outcome: Type.Union(RESOLUTIONS.map((r) => Type.Literal(r))),
  /** with `succeeded` */
  result: Type.Optional(Type.Unsafe<Json>(Type.Unknown())),
  /** with `retry`: instead of the intent's own; then with the digest of them and the tool, and the effect class of the call */
  parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  digest: Type.Optional(Type.String()),
  effect: Type.Optional(Type.Union(EFFECT_CLASSES.map((c) => Type.Literal(c)))),
  /** a call with these parameters is held until a person approves it */
  held: Type.Optional(Type.Boolean()),
  by: Type.String(),
  reason: Type.String(),
  /** of the snapshot that it was set down in before it was published */
  version: Type.Optional(Type.Integer()),
  /** of the request and its Idempotency-Key: its repeat is answered as it was */
  request_digest: Type.Optional(Type.String()),
});
export type ResolutionData = Static<typeof ResolutionData>;

export const TimerData = Type.Object({ session_id: Id, timer_id: Id });
export type TimerData = Static<typeof TimerData>;

export const CancelData = Type.Object({
  session_id: Id,
  reason: Type.Optional(Type.String()),
  compensate: Type.Optional(Type.Boolean()),
  /** of the snapshot that it was set down in before it was published: one that came after another cancel */
  version: Type.Optional(Type.Integer()),
  /** of the request and its Idempotency-Key: its repeat is answered as it was */
  request_digest: Type.Optional(Type.String()),
});
export type CancelData = Static<typeof CancelData>;

/** A record of the session is among the dead letters: what it asked for isn't done. */
export const DeadLetterData = Type.Object({
  session_id: Id,
  dead_letter: Type.String({ minLength: 1, description: 'id of the dead letter' }),
  reason: Type.String({ description: 'why it is there: a word' }),
  error: Type.String({ description: 'the same: a sentence' }),
  topic: Type.String({ description: 'where the record was' }),
  event_id: Type.String({ description: 'of the event in the record' }),
  intent_id: Type.Optional(Type.String({ description: 'the intent that waits for it' })),
});
export type DeadLetterData = Static<typeof DeadLetterData>;

/** A person had a dead letter of the session published again. */
export const RedrivenData = Type.Object({
  session_id: Id,
  dead_letter: Id,
  by: Type.String(),
  reason: Type.Optional(Type.String()),
  event_id: Type.Optional(
    Type.String({ description: 'of an answer that named no intent: it is looked at anew' }),
  ),
});
export type RedrivenData = Static<typeof RedrivenData>;

/** The JSON Schema of each event's `data`. */
export const DATA_SCHEMAS: Record<EventName, TSchema> = {
  [EVENT_NAMES.toolCall]: ToolCallData,
  [EVENT_NAMES.stepCommitted]: StepCommittedData,
  [EVENT_NAMES.toolResult]: ToolResultData,
  [EVENT_NAMES.sessionCreated]: SessionCreatedData,
  [EVENT_NAMES.userMessage]: UserMessageData,
  [EVENT_NAMES.resolution]: ResolutionData,
  [EVENT_NAMES.approval]: ApprovalData,
  [EVENT_NAMES.timer]: TimerData,
  [EVENT_NAMES.cancel]: CancelData,
  [EVENT_NAMES.deadLetter]: DeadLetterData,
  [EVENT_NAMES.redriven]: RedrivenData,
};

/** What every event of ours carries alike; made once per process from the settings. */
export interface EventContext {
  /** e.g. `/commander/instance-001` */
  source: string;
  typePrefix: string;
  deployment: string;
}

export interface EventFields<D> {
  name: EventName;
  id: string;
  sessionId: string;
  tenant: string;
  traceId: string;
  /** what led to it; default: the request whose event it is */
  spanId?: string;
  trace?: TraceCarry | undefined;
  atMs: number;
  data: D;
}

/** Builds an event of ours with every attribute that the contracts ask for. */
export const buildEvent = <D>(context: EventContext, fields: EventFields<D>): CloudEvent<D> => ({
  specversion: '1.0',
  id: fields.id,
  source: context.source,
  type: `${context.typePrefix}.${fields.name}`,
  time: new Date(fields.atMs).toISOString(),
  datacontenttype: 'application/json',
  dataschema: dataSchema(fields.name),
  subject: fields.sessionId,
  partitionkey: fields.sessionId,
  traceparent: traceparent(
    fields.traceId,
    fields.spanId ?? requestSpanId(fields.id),
    fields.trace?.sampled !== false,
  ),
  ...(fields.trace?.state === undefined ? {} : { tracestate: fields.trace.state }),
  deploymentid: context.deployment,
  tenant: fields.tenant,
  data: fields.data,
});
