import {
  type CancelData,
  type CloudEvent,
  type DeadLetterData,
  EVENT_NAMES,
  type EventContext,
  type EventName,
  type RedrivenData,
  type SessionCreatedData,
  type StepCommittedData,
  type TimerData,
  type ToolCallData,
  type ToolResultData,
  buildEvent,
} from './events.js';
import { resultId } from './ids.js';
import type { JsonObject } from './json.js';
import type { DeadLetter, Redrive } from './dead-letter.js';
import type { Outcome } from './outcome.js';
import { isSent } from './people.js';
import type { PendingIntent, Sent, Snapshot, StepCommit } from './snapshot.js';
import { requestSpanId, runSpanId, stepSpanId, type TraceCarry } from './trace.js';

/*
 * The events of a session, built from its snapshot alone: whoever builds one again (a redelivered step, the sweeper,
 * a repeated submission) builds the same event under the same id.
 */

const common = (snapshot: Snapshot) => ({
  sessionId: snapshot.session_id,
  tenant: snapshot.fixed.tenant,
  traceId: snapshot.fixed.trace_id,
  trace: snapshot.fixed.trace,
});

export const createdId = (sessionId: string): string => `${sessionId}.created`;

/** The first observation; its id is `<session id>.created`. */
export const sessionCreatedEvent = (
  context: EventContext,
  snapshot: Snapshot,
): CloudEvent<SessionCreatedData> =>
  buildEvent(context, {
    ...common(snapshot),
    name: EVENT_NAMES.sessionCreated,
    id: createdId(snapshot.session_id),
    atMs: snapshot.fixed.created_at,
    data: {
      session_id: snapshot.session_id,
      trace_id: snapshot.fixed.trace_id,
      created_at: new Date(snapshot.fixed.created_at).toISOString(),
      submission: snapshot.fixed.submission,
      brain: snapshot.fixed.brain,
      ...(snapshot.fixed.body_digest === undefined ? {} : { body_digest: snapshot.fixed.body_digest }),
      ...(snapshot.fixed.warnings === undefined ? {} : { warnings: snapshot.fixed.warnings }),
    },
  });

/** What the latest step decided; result and error are kept once, in the snapshot. */
const commitOf = ({ outbox, result, error }: Snapshot): StepCommit | null =>
  outbox.commit === null
    ? null
    : {
        ...outbox.commit,
        ...(result === undefined ? {} : { result }),
        ...(error === undefined ? {} : { error }),
      };

/** An intent; the first of a step carries what the step decided (`data.commit`). */
export const intentEvent = (
  context: EventContext,
  snapshot: Snapshot,
  pending: PendingIntent,
): CloudEvent<ToolCallData> => {
  const { outbox } = snapshot;
  const commit = outbox.intent_ids[0] === pending.intent_id ? commitOf(snapshot) : null;
  return buildEvent(context, {
    ...common(snapshot),
    name: EVENT_NAMES.toolCall,
    id: pending.intent_id,
    spanId: stepSpanId(snapshot.session_id, pending.step),
    atMs: pending.emitted_at,
    data: {
      session_id: snapshot.session_id,
      trace_id: snapshot.fixed.trace_id,
      tool_name: pending.tool,
      parameters: pending.parameters,
      step: pending.step,
      deadline: new Date(pending.deadline_at).toISOString(),
      effect: pending.effect,
      ...(pending.compensates === undefined ? {} : { compensates: pending.compensates }),
      ...(pending.approved_by === undefined ? {} : { approved_by: pending.approved_by }),
      ...(commit === null ? {} : { commit }),
    },
  });
};

/** What a step decided that published no intent; its id is `<session id>.<version>.committed`. */
export const stepCommittedEvent = (
  context: EventContext,
  snapshot: Snapshot,
): CloudEvent<StepCommittedData> | null => {
  const commit = snapshot.outbox.intent_ids.length > 0 ? null : commitOf(snapshot);
  if (commit === null) return null;
  return buildEvent(context, {
    ...common(snapshot),
    name: EVENT_NAMES.stepCommitted,
    id: `${snapshot.session_id}.${String(commit.version)}.committed`,
    spanId: stepSpanId(snapshot.session_id, commit.step),
    atMs: snapshot.updated_at,
    data: { session_id: snapshot.session_id, trace_id: snapshot.fixed.trace_id, commit },
  });
};

/** All that the snapshot's outbox holds: what goes to topic A after a commit, and again when it may not have. */
export const outboxEvents = (context: EventContext, snapshot: Snapshot): CloudEvent[] => {
  const ids = new Set(snapshot.outbox.intent_ids);
  const intents = snapshot.pending
    .filter((p) => ids.has(p.intent_id))
    .map((p) => intentEvent(context, snapshot, p));
  const committed = stepCommittedEvent(context, snapshot);
  return committed === null ? intents : [...intents, committed];
};

/** The intent that an observation answers, as much of it as a dispatcher knows. */
export interface AnsweredIntent {
  intentId: string;
  sessionId: string;
  tenant: string;
  traceId: string;
  trace?: TraceCarry | undefined;
  /** the span that emitted it; undefined: nobody knows */
  parentSpanId?: string | undefined;
  tool: string;
  digest: string;
}

/** The last run of an intent that ended so, or what emitted it where it never ran. */
export const endedSpanId = ({ intentId, parentSpanId }: AnsweredIntent, { attempts }: Outcome): string =>
  attempts > 0 || parentSpanId === undefined ? runSpanId(intentId, attempts) : parentSpanId;

/** The observation of an intent's end; its id is `<intent id>.result`. */
export const toolResultEvent = (
  context: EventContext,
  intent: AnsweredIntent,
  outcome: Outcome,
  atMs: number,
): CloudEvent<ToolResultData> =>
  buildEvent(context, {
    name: EVENT_NAMES.toolResult,
    id: resultId(intent.intentId),
    sessionId: intent.sessionId,
    tenant: intent.tenant,
    traceId: intent.traceId,
    trace: intent.trace,
    spanId: endedSpanId(intent, outcome),
    atMs,
    data: {
      session_id: intent.sessionId,
      trace_id: intent.traceId,
      intent_id: intent.intentId,
      tool_name: intent.tool,
      digest: intent.digest,
      status: outcome.status,
      result: outcome.result,
      error: outcome.error,
      attempts: outcome.attempts,
      started_at: outcome.started_at,
      duration_ms: outcome.duration_ms,
    },
  });

/** A due timer of the session's own: `deadline` (the session's), or `intent:<intent id>` (an external tool's deadline). */
export const timerEvent = (
  context: EventContext,
  snapshot: Snapshot,
  timerId: string,
  atMs: number,
): CloudEvent<TimerData> =>
  buildEvent(context, {
    ...common(snapshot),
    name: EVENT_NAMES.timer,
    id: `${snapshot.session_id}.timer.${timerId}.${String(snapshot.version)}`,
    spanId: requestSpanId(createdId(snapshot.session_id)),
    atMs,
    data: { session_id: snapshot.session_id, timer_id: timerId },
  });

/** A cancel; the flag in the snapshot is set before, so it can be built again from there. */
export const cancelEvent = (context: EventContext, snapshot: Snapshot): CloudEvent<CancelData> | null => {
  const request = snapshot.cancel_requested;
  if (request === undefined) return null;
  return buildEvent(context, {
    ...common(snapshot),
    name: EVENT_NAMES.cancel,
    id: `${snapshot.session_id}.cancel`,
    atMs: request.at,
    data: {
      session_id: snapshot.session_id,
      compensate: request.compensate,
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      ...(request.request_digest === undefined ? {} : { request_digest: request.request_digest }),
    },
  });
};

/** Of events that its session's dead letters hold: nobody repeats them until a person does. */
export const deadEventIds = ({ dead }: Snapshot): ReadonlySet<string> =>
  dead === undefined ? NONE : new Set(dead.letters.map(({ event_id }) => event_id));
const NONE: ReadonlySet<string> = new Set();

/** A dead letter that belongs to a session of ours. */
export type SessionDeadLetter = DeadLetter & { session_id: string; event_id: string };

/** The session is told of its dead letter; the id is made of the letter's. */
export const deadLetterEvent = (
  context: EventContext,
  letter: SessionDeadLetter,
  traceId: string,
): CloudEvent<DeadLetterData> =>
  buildEvent(context, {
    name: EVENT_NAMES.deadLetter,
    id: `${letter.id}.letter`,
    sessionId: letter.session_id,
    tenant: letter.tenant,
    traceId,
    atMs: letter.at,
    data: {
      session_id: letter.session_id,
      dead_letter: letter.id,
      reason: letter.reason,
      error: letter.error,
      topic: letter.topic,
      event_id: letter.event_id,
      ...(letter.intent_id === undefined ? {} : { intent_id: letter.intent_id }),
    },
  });

/** The session is told that its dead letter was published again. */
export const redrivenEvent = (
  context: EventContext,
  letter: SessionDeadLetter,
  { at, by, reason }: Redrive,
  traceId: string,
): CloudEvent<RedrivenData> =>
  buildEvent(context, {
    name: EVENT_NAMES.redriven,
    id: `${letter.id}.redriven.${String(at)}`,
    sessionId: letter.session_id,
    tenant: letter.tenant,
    traceId,
    atMs: at,
    data: {
      session_id: letter.session_id,
      dead_letter: letter.id,
      by,
      ...(reason === undefined ? {} : { reason }),
      ...(letter.reason === 'unattributable' ? { event_id: letter.event_id } : {}),
    },
  });

/** An observation that a person sent; its whole content is in the snapshot's inbox until it is applied. */
export const sentEvent = (
  context: EventContext,
  snapshot: Snapshot,
  { id, name, at, version, data }: Sent,
): CloudEvent =>
  buildEvent(context, {
    ...common(snapshot),
    name,
    id,
    atMs: at,
    data: { session_id: snapshot.session_id, version, ...data },
  });

/** What {@link sentEvent} was made of; undefined for every other event. */
export const sentOf = (name: EventName, { id, time, data }: CloudEvent): Sent | undefined => {
  if (!isSent(name) || typeof data !== 'object' || data === null) return undefined;
  const { session_id: _, version, ...rest } = data as { session_id?: string; version?: unknown } & JsonObject;
  if (typeof version !== 'number') return undefined;
  return { id, name, at: Date.parse(time ?? ''), version, data: rest };
};
