import { type CloudEvent, newSpanId, readTraceparent } from '#contracts';
import { ATTRIBUTES, SPANS } from './names.js';
import { epochMs, toldError, type Tracing } from './tracing.js';

/** Runs `publish` and tells of it as part of what led to the event. */
export const publishTraced = async (
  tracing: Tracing,
  topic: string,
  event: CloudEvent,
  publish: () => Promise<void>,
): Promise<void> => {
  const begun = performance.now();
  let failure: unknown;
  try {
    await publish();
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const parent = readTraceparent(event.traceparent);
    if (parent !== undefined)
      tracing.record({
        name: SPANS.publish,
        kind: 'producer',
        traceId: parent.traceId,
        spanId: newSpanId(),
        parentSpanId: parent.spanId,
        sampled: parent.sampled,
        startMs: epochMs(begun),
        endMs: epochMs(performance.now()),
        attributes: { [ATTRIBUTES.topic]: topic, [ATTRIBUTES.eventId]: event.id },
        error: toldError(failure),
      });
  }
};
