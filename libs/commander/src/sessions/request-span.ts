import {
  type CloudEvent,
  createdId,
  newSpanId,
  newTraceId,
  requestSpanId,
  type Snapshot,
  type TraceParent,
} from '#contracts';
import { ATTRIBUTES, epochMs, SPANS, type SpanFacts, toldError, type Tracing } from '#telemetry';

/** The trace that a caller is in. */
export interface Caller extends TraceParent {
  /** W3C tracestate */
  state?: string;
}

const facts = (begun: number, snapshot: Snapshot): Pick<SpanFacts, 'startMs' | 'endMs' | 'attributes'> => ({
  startMs: epochMs(begun),
  endMs: epochMs(performance.now()),
  attributes: {
    [ATTRIBUTES.sessionId]: snapshot.session_id,
    [ATTRIBUTES.tenant]: snapshot.fixed.tenant,
    [ATTRIBUTES.brain]: snapshot.fixed.brain,
    [ATTRIBUTES.status]: snapshot.status,
  },
});

const rootOf = (snapshot: Snapshot): string => requestSpanId(createdId(snapshot.session_id));
const sampledOf = (snapshot: Snapshot): boolean => snapshot.fixed.trace?.sampled !== false;

/**
 * The request that made a session: where its trace begins, or goes on from the caller's. A repeat belongs to its own
 * caller's trace and points at the session's.
 */
export const traceSubmit = (
  tracing: Tracing,
  begun: number,
  { snapshot, repeated }: { snapshot: Snapshot; repeated: boolean },
  caller: Caller | undefined,
  error?: unknown,
): void => {
  const told = facts(begun, snapshot);
  const session = { traceId: snapshot.fixed.trace_id, spanId: rootOf(snapshot) };
  tracing.record({
    ...told,
    attributes: { ...told.attributes, [ATTRIBUTES.repeated]: repeated },
    name: SPANS.submit,
    kind: 'server',
    parentSpanId: caller?.spanId,
    error: toldError(error),
    ...(repeated
      ? {
          traceId: caller?.traceId ?? newTraceId(),
          spanId: newSpanId(),
          sampled: caller?.sampled ?? sampledOf(snapshot),
          links: [session],
        }
      : { ...session, sampled: sampledOf(snapshot) }),
  });
};

/** What a person sends belongs to the session's trace, since a step follows from it, and points at its caller's. */
export const traceSent = (
  tracing: Tracing,
  begun: number,
  sent: { name: SpanFacts['name']; event: CloudEvent; snapshot: Snapshot; repeated: boolean },
  caller: Caller | undefined,
): void => {
  const { name, event, snapshot, repeated } = sent;
  tracing.record({
    ...facts(begun, snapshot),
    name,
    kind: 'server',
    traceId: snapshot.fixed.trace_id,
    spanId: repeated ? newSpanId() : requestSpanId(event.id),
    parentSpanId: rootOf(snapshot),
    sampled: sampledOf(snapshot),
    ...(caller === undefined ? {} : { links: [caller] }),
  });
};
