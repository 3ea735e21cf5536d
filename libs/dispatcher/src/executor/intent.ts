import { createHash } from 'node:crypto';
import {
  type AnsweredIntent,
  carryOf,
  type CloudEvent,
  type EffectClass,
  type JsonObject,
  readTraceparent,
  SESSION_ID,
  type ToolCallData,
} from '#contracts';
import { type ClaimKey, intentDigest } from '#idempotency';
import { DeadLetterError } from '#transport';

/** An intent as the executor works on it. */
export interface Intent extends AnsweredIntent {
  parameters: JsonObject;
  /** carries our `deploymentid`: its session is in the store, or has expired */
  ours: boolean;
  /** names its claim; ids of others are hashed for keys and kept verbatim in events */
  key: ClaimKey;
  /** ms since the epoch; undefined where a program of others left it out */
  emittedAt: number | undefined;
  deadlineAt: number | undefined;
  compensates: string | undefined;
  /** the person who approved it */
  approvedBy: string | undefined;
  /** the class that the Commander holds the call to, where it isn't the tool's own */
  heldTo: EffectClass | undefined;
  event: CloudEvent<ToolCallData>;
}

const TRACE_ID = /^[0-9a-f]{32}$/;
const OURS_INTENT_ID = /^[A-Za-z0-9_.-]{1,128}$/;

const sha256 = (text: string, encoding: 'hex' | 'base64url'): string =>
  createHash('sha256').update(text).digest(encoding);

const timeOf = (text: unknown): number | undefined => {
  if (typeof text !== 'string') return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
};

/**
 * The trace that an intent belongs to, and its place there: what its writer says, in `traceparent` or `data.trace_id`.
 * Where he says nothing it is made from the event's identity, so that a repeat has the same.
 */
const traceOf = (
  event: CloudEvent<ToolCallData>,
  data: ToolCallData,
): Pick<Intent, 'traceId' | 'trace' | 'parentSpanId'> => {
  const parent = readTraceparent(event.traceparent);
  const named = data.trace_id !== undefined && TRACE_ID.test(data.trace_id) ? data.trace_id : undefined;
  if (parent === undefined || (named !== undefined && named !== parent.traceId)) {
    const traceId = named ?? sha256(`${event.source}\n${event.id}`, 'hex').slice(0, 32);
    return { traceId, trace: undefined, parentSpanId: undefined };
  }
  const trace = carryOf(parent.sampled, event.tracestate);
  return { traceId: parent.traceId, trace, parentSpanId: parent.spanId };
};

const invalid = (event: CloudEvent, what: string): DeadLetterError =>
  new DeadLetterError('invalid_event', `intent ${event.id} of ${event.source}: ${what}`);

/**
 * Reads an event of type `intent.tool_call`. What a dispatcher needs is `id`, `data.session_id`, `data.tool_name` and
 * `data.parameters`; the rest is optional.
 *
 * Errors: {@link DeadLetterError} `invalid_event`, which names the field.
 */
export const readIntent = (event: CloudEvent<ToolCallData>, deployment: string): Intent => {
  const data = event.data as Partial<Record<keyof ToolCallData, unknown>> | null | undefined;
  if (typeof data !== 'object' || data === null) throw invalid(event, 'data: expected an object');
  const { session_id: sessionId, tool_name: tool, parameters } = data;
  if (typeof sessionId !== 'string' || sessionId === '')
    throw invalid(event, 'data.session_id: expected text');
  if (typeof tool !== 'string' || tool === '') throw invalid(event, 'data.tool_name: expected text');
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    throw invalid(event, 'data.parameters: expected an object');
  const ours = event.deploymentid === deployment;
  const call = data as ToolCallData;
  return {
    intentId: event.id,
    sessionId,
    tool,
    parameters: parameters as JsonObject,
    tenant: typeof event.tenant === 'string' ? event.tenant : 'default',
    ...traceOf(event, call),
    digest: intentDigest(tool, parameters),
    ours,
    key: {
      sessionId: SESSION_ID.test(sessionId) ? sessionId : `hash-${sha256(sessionId, 'base64url')}`,
      // a foreign event's identity is its source and its id together
      intentId:
        ours && OURS_INTENT_ID.test(event.id)
          ? event.id
          : `hash-${sha256(`${event.source}\n${event.id}`, 'base64url')}`,
    },
    emittedAt: timeOf(event.time),
    deadlineAt: timeOf(call.deadline),
    compensates: call.compensates,
    approvedBy: call.approved_by,
    heldTo: ours ? call.effect : undefined,
    event,
  };
};
