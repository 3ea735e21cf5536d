import {
  type CloudEvent,
  commitSpanId,
  createdId,
  newSpanId,
  readTraceparent,
  requestSpanId,
  type Snapshot,
  stepSpanId,
} from '#contracts';
import { ATTRIBUTES, epochMs, SPANS, type SpanFacts, toldError, type Tracing } from '#telemetry';

/** What a step spent its time with. Times of the monotonic clock, ms. */
interface Lap {
  name: string;
  begun: number;
  ended: number;
  error: string | undefined;
}

/** Remembers the parts of one step, and tells of all of them when it is over: only then it is known which step it was. */
export class StepTrace {
  private readonly begun = performance.now();
  private readonly laps: Lap[] = [];

  constructor(
    private readonly tracing: Tracing,
    private readonly event: CloudEvent,
    private readonly before: Snapshot,
  ) {}

  /** A part that began at `begun` is over. */
  lap(name: string, begun: number, error?: unknown): void {
    this.laps.push({ name, begun, ended: performance.now(), error: toldError(error) });
  }

  async timed<T>(name: string, part: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      const made = await part();
      this.lap(name, begun);
      return made;
    } catch (error) {
      this.lap(name, begun, error);
      throw error;
    }
  }

  committed(after: Snapshot): void {
    const { session_id: id, step, version } = after;
    // the parent of what it emitted, where it decided anything
    this.tell(step > this.before.step ? stepSpanId(id, step) : commitSpanId(id, version), after, undefined);
  }

  /** Nothing was written; the observation comes again. */
  failed(error: unknown): void {
    this.tell(newSpanId(), this.before, toldError(error));
  }

  private tell(spanId: string, { step, version, status }: Snapshot, error: string | undefined): void {
    const { event, before, tracing } = this;
    const { session_id: sessionId, fixed } = before;
    const cause = readTraceparent(event.traceparent);
    const ours = cause?.traceId === fixed.trace_id;
    const common = { traceId: fixed.trace_id, sampled: fixed.trace?.sampled !== false };
    const span: SpanFacts = {
      ...common,
      name: SPANS.step,
      kind: 'consumer',
      spanId,
      parentSpanId: ours ? cause.spanId : requestSpanId(createdId(sessionId)),
      startMs: epochMs(this.begun),
      endMs: epochMs(performance.now()),
      attributes: {
        [ATTRIBUTES.sessionId]: sessionId,
        [ATTRIBUTES.brain]: fixed.brain,
        [ATTRIBUTES.step]: step,
        [ATTRIBUTES.version]: version,
        [ATTRIBUTES.status]: status,
        [ATTRIBUTES.observation]: event.id,
      },
      error,
      // a program of others that answers in a trace of its own
      ...(cause === undefined || ours ? {} : { links: [cause] }),
    };
    for (const { name, begun, ended, error: reason } of this.laps)
      tracing.record({
        ...common,
        name,
        kind: name === SPANS.publish ? 'producer' : 'internal',
        spanId: newSpanId(),
        parentSpanId: spanId,
        startMs: epochMs(begun),
        endMs: epochMs(ended),
        attributes: { [ATTRIBUTES.sessionId]: sessionId },
        error: reason,
      });
    tracing.record(span);
  }
}
