import { type Static, Type } from '@sinclair/typebox';
import { ErrorData } from './errors.js';
import type { Json } from './json.js';
import { OUTCOME_STATUSES } from './outcome.js';
import { MESSAGE_POLICIES } from './people.js';
import { Plan } from './plan.js';

/** Every status that a client can see. `thinking` is shown while a think is known to run and is never stored. */
export const SESSION_STATUSES = [
  'queued',
  'thinking',
  'waiting_tool',
  'waiting_input',
  'waiting_approval',
  'compensating',
  'parked',
  'completed',
  'failed',
  'compensated',
  'cancelled',
] as const;
export type SessionStatus = (typeof SESSION_STATUSES)[number];
export type StoredStatus = Exclude<SessionStatus, 'thinking'>;
export const TERMINAL_STATUSES = ['completed', 'failed', 'compensated', 'cancelled'] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];
export const isTerminal = (status: SessionStatus): status is TerminalStatus =>
  (TERMINAL_STATUSES as readonly string[]).includes(status);

const closed = { additionalProperties: false } as const;

export const Limits = Type.Object(
  {
    steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    tool_calls: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { ...closed, title: 'Limits' },
);
export type Limits = Static<typeof Limits>;
/** An LLM that calls tools for ever is stopped after so many steps when the submission sets no limit. */
export const DEFAULT_STEP_LIMIT = 50;

/** Flat strings. (Written out, because the pattern that `Type.Record` makes lets a key with a line break pass unchecked.) */
export const Metadata = Type.Unsafe<Record<string, string>>({
  type: 'object',
  propertyNames: { type: 'string', minLength: 1, maxLength: 128 },
  additionalProperties: { type: 'string', maxLength: 1024 },
});

export const EITHER_INPUT_OR_PLAN = [{ required: ['input'] }, { required: ['plan'] }] as const;

/** The body of `POST /v1/sessions`: `input` or `plan`, not both. */
export const Submission = Type.Object(
  {
    input: Type.Optional(Type.String({ minLength: 1, description: 'text for the LLM brain' })),
    plan: Type.Optional(Plan),
    brain: Type.Optional(
      Type.String({ minLength: 1, description: '`plan` or `openai`; follows from the rest' }),
    ),
    model: Type.Optional(Type.String({ minLength: 1 })),
    instructions: Type.Optional(Type.String({ description: 'the system prompt' })),
    tools: Type.Optional(Type.Array(Type.String(), { description: 'names; absent: all' })),
    saga: Type.Optional(Type.Boolean()),
    metadata: Type.Optional(Metadata),
    deadline: Type.Optional(
      Type.String({ format: 'date-time', description: 'RFC 3339; the session ends then' }),
    ),
    limits: Type.Optional(Limits),
    messages: Type.Optional(
      Type.Union(
        MESSAGE_POLICIES.map((policy) => Type.Literal(policy)),
        { description: 'what people write to it later is kept until it is read (default), or refused' },
      ),
    ),
    ask_user: Type.Optional(
      Type.Boolean({
        description: 'with an `input`: the model may ask a question and wait for a message that answers it',
      }),
    ),
  },
  { ...closed, title: 'Submission', oneOf: EITHER_INPUT_OR_PLAN },
);
export type Submission = Static<typeof Submission>;

/** What a session has used so far. */
export const Usage = Type.Object(
  {
    steps: Type.Integer({ minimum: 0 }),
    tool_calls: Type.Integer({ minimum: 0 }),
    input_tokens: Type.Integer({ minimum: 0 }),
    output_tokens: Type.Integer({ minimum: 0 }),
  },
  { title: 'Usage' },
);
export type Usage = Static<typeof Usage>;

const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, milliseconds' });
const AnyJson = Type.Unsafe<Json>(Type.Unknown());

/** An intent that a session waits for, as a client sees it. */
export const PendingView = Type.Object(
  {
    intent_id: Type.String(),
    tool_name: Type.String(),
    step: Type.Integer(),
    since: Time,
    deadline: Type.Optional(Time),
    waits_for: Type.Optional(
      Type.Literal('approval', {
        description: 'it is held until a person answers; its deadline counts from then',
      }),
    ),
    parameters: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'of a call that waits for approval' }),
    ),
    digest: Type.Optional(
      Type.String({ description: 'of tool and parameters, of a call that waits for approval' }),
    ),
  },
  { title: 'PendingIntent' },
);
export type PendingView = Static<typeof PendingView>;

/** An intent that a person has to settle before its parked session goes on. */
export const StuckView = Type.Object(
  {
    intent_id: Type.String(),
    tool_name: Type.String(),
    parameters: Type.Record(Type.String(), Type.Unknown()),
    step: Type.Integer(),
    status: Type.Union(OUTCOME_STATUSES.map((status) => Type.Literal(status))),
    error: Type.Union([ErrorData, Type.Null()]),
    compensates: Type.Optional(Type.String({ description: 'the intent that it was to undo' })),
  },
  { title: 'StuckIntent' },
);
export type StuckView = Static<typeof StuckView>;

/** What a session waits for a person to answer, by a message. */
export const QuestionView = Type.Object(
  { content: Type.String(), since: Time },
  { title: 'Question', description: 'the next message answers it' },
);
export type QuestionView = Static<typeof QuestionView>;

/** The session as `GET /v1/sessions/{id}` answers it. */
export const SessionView = Type.Object(
  {
    session_id: Type.String(),
    status: Type.Union(SESSION_STATUSES.map((status) => Type.Literal(status))),
    step: Type.Integer({ minimum: 0 }),
    brain: Type.String(),
    input: Type.Optional(Type.String()),
    plan: Type.Optional(Plan),
    result: AnyJson,
    error: Type.Union([ErrorData, Type.Null()]),
    pending: Type.Array(PendingView),
    stuck: Type.Optional(Type.Array(StuckView, { description: 'what a person has to settle' })),
    question: Type.Optional(QuestionView),
    unread_messages: Type.Optional(
      Type.Integer({ minimum: 1, description: 'messages that it has not read yet' }),
    ),
    metadata: Type.Record(Type.String(), Type.String()),
    usage: Usage,
    trace_id: Type.String(),
    created_at: Time,
    updated_at: Time,
    version: Type.Integer({ minimum: 1 }),
    warnings: Type.Optional(Type.Array(Type.String())),
  },
  { title: 'Session' },
);
export type SessionView = Static<typeof SessionView>;

/** What an entry of the timeline tells. */
export const TIMELINE_TYPES = ['message', 'intent', 'observation', 'status', 'decision'] as const;
export type TimelineType = (typeof TIMELINE_TYPES)[number];

/** One entry of the timeline as clients see it; `seq` is 1, 2, 3 … without gaps; nothing follows the terminal entry. */
export const TimelineEntry = Type.Object(
  {
    seq: Type.Integer({ minimum: 1 }),
    time: Time,
    type: Type.Union(TIMELINE_TYPES.map((type) => Type.Literal(type))),
    payload: AnyJson,
  },
  { title: 'TimelineEntry' },
);
export type TimelineEntry = Static<typeof TimelineEntry>;

/** Whether nothing follows this entry. */
export const endsTimeline = ({ type, payload }: TimelineEntry): boolean => {
  if (type !== 'status') return false;
  const { status } = payload as { status?: SessionStatus };
  return status !== undefined && isTerminal(status);
};
