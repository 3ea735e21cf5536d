import { type Static, Type } from '@sinclair/typebox';
import type { Json } from './json.js';

/*
 * What people send to a session that is under way: the bodies of the calls.
 */

const closed = { additionalProperties: false } as const;
const By = Type.String({ minLength: 1, maxLength: 256, description: 'who; kept in the timeline' });

/** The observations that people make. */
export const SENT_NAMES = [
  'observation.user_message',
  'observation.approval',
  'observation.resolution',
  // one that comes after another; the first has a flag in the snapshot
  'observation.cancel',
] as const;
export type SentName = (typeof SENT_NAMES)[number];
export const isSent = (name: string): name is SentName => (SENT_NAMES as readonly string[]).includes(name);

/** The body of `POST /v1/sessions/{id}/messages`. */
export const MessageRequest = Type.Object(
  { content: Type.String({ minLength: 1, description: 'what the session reads before it thinks next' }) },
  { ...closed, title: 'MessageRequest' },
);
export type MessageRequest = Static<typeof MessageRequest>;

/** What becomes of messages to a session: kept until it reads them, or refused. */
export const MESSAGE_POLICIES = ['enqueue', 'reject'] as const;
export type MessagePolicy = (typeof MESSAGE_POLICIES)[number];
/** So many messages of a session may be unread at once; more are refused until it has read some. */
export const MOST_UNREAD_MESSAGES = 32;

/** How a person settles an intent: it was done, it wasn't, or it is to be run again under a new id. */
export const RESOLUTIONS = ['succeeded', 'failed', 'retry'] as const;
export type ResolutionOutcome = (typeof RESOLUTIONS)[number];

/** The body of `POST /v1/sessions/{id}/resolutions/{intent_id}`. */
export const ResolutionRequest = Type.Object(
  {
    outcome: Type.Union(
      RESOLUTIONS.map((r) => Type.Literal(r)),
      {
        description:
          '`succeeded`: it was done; `failed`: it was not, and for a compensation: it is given up; `retry`: run it again as a new intent',
      },
    ),
    result: Type.Optional(
      Type.Unsafe<Json>({ description: 'with `succeeded`: what the tool would have answered; default null' }),
    ),
    parameters: Type.Optional(
      Type.Unsafe<Record<string, Json>>({
        type: 'object',
        description: "with `retry`: instead of the intent's own",
      }),
    ),
    by: By,
    reason: Type.String({ minLength: 1, maxLength: 1024, description: 'why; kept in the timeline' }),
  },
  { ...closed, title: 'ResolutionRequest' },
);
export type ResolutionRequest = Static<typeof ResolutionRequest>;

/** Whether a call that is held may run. */
export const APPROVALS = ['approve', 'reject'] as const;
export type ApprovalDecision = (typeof APPROVALS)[number];

/** The body of `POST /v1/sessions/{id}/approvals/{intent_id}`. */
export const ApprovalRequest = Type.Object(
  {
    decision: Type.Union(
      APPROVALS.map((decision) => Type.Literal(decision)),
      {
        description:
          '`approve`: the call is made; `reject`: it never is, and the plan or the model sees a failure',
      },
    ),
    by: By,
    reason: Type.Optional(Type.String({ maxLength: 1024, description: 'why; kept in the timeline' })),
    digest: Type.Optional(
      Type.String({
        description: 'of the tool and the parameters that were looked at; a 409 when the call has another',
      }),
    ),
  },
  { ...closed, title: 'ApprovalRequest' },
);
export type ApprovalRequest = Static<typeof ApprovalRequest>;
