import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ATTRIBUTES, METRICS, SPANS } from '#telemetry';
import { eventually, OtlpReceiver } from '#testing';
import { boot, type Booted, gate, gated, quick } from '../http/booted.js';
import { scrape } from '../http/prometheus.js';
import { CALLER, expectTraced, Trace, TRACED, traceparentOf } from './trace.js';

let collector: OtlpReceiver;
let app: Booted;
beforeEach(async () => {
  collector = await OtlpReceiver.start();
});
afterEach(async () => {
  await app.close();
  await collector.stop();
});

const start = async (environment: Record<string, string> = {}): Promise<void> => {
  app = await boot({
    DORMOUSE_TOOLS: './test/e2e/http/tools.mjs,./test/e2e/http/flaky-tools.mjs',
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    ...environment,
  });
};
/** Everything that was told, once the process has ended. */
const told = async (): Promise<Trace> => {
  await app.close();
  return new Trace(collector.spans);
};

describe('a session', () => {
  it('is one trace from its request to its last step, below its caller', async () => {
    await start();
    const session = await app.submit(TRACED, { traceparent: traceparentOf(true) });
    expect(session.trace_id).toBe(CALLER.traceId);
    await app.ended(session.session_id);
    const trace = await told();
    expectTraced(trace, CALLER.spanId);
    expect(trace.spans[0]?.traceId).toBe(CALLER.traceId);
    expect(trace.spans[0]?.resource).toMatchObject({ 'service.name': 'dormouse' });
    expect(trace.only(SPANS.submit).attributes).toMatchObject({
      [ATTRIBUTES.sessionId]: session.session_id,
      [ATTRIBUTES.brain]: 'plan',
    });
  });

  it('begins a trace where its caller has none', async () => {
    await start();
    const session = await app.submit(TRACED);
    await app.ended(session.session_id);
    const trace = await told();
    expectTraced(trace, undefined);
    expect(trace.spans[0]?.traceId).toBe(session.trace_id);
  });

  it('is not recorded where its caller is not', async () => {
    await start();
    const { session_id } = await app.submit(TRACED, { traceparent: traceparentOf(false) });
    await app.ended(session_id);
    expect((await told()).spans).toEqual([]);
  });

  it('that is cancelled has the cancel in its trace, which points at the caller of the cancel', async () => {
    await start();
    const { session_id, trace_id } = await app.submit(gated());
    await eventually(() => gate.waiting.size === 1);
    await app.call('POST', `/v1/sessions/${session_id}/cancel`, {
      json: {},
      headers: { traceparent: traceparentOf(true) },
    });
    await app.ended(session_id);
    const trace = await told();
    trace.expectWhole(undefined);
    const cancel = trace.only(SPANS.cancel);
    expect(cancel).toMatchObject({ traceId: trace_id, links: [CALLER] });
    const end = trace.named(SPANS.step).filter((step) => step.attributes[ATTRIBUTES.status] === 'cancelled');
    expect(end.map((step) => trace.wayUp(step))).toEqual([[SPANS.step, SPANS.cancel, SPANS.submit]]);
  });

  it('that is submitted again points from the trace of the repeat to its own', async () => {
    await start();
    const key = { 'idempotency-key': 'once' };
    const first = await app.submit(quick(), key);
    await app.ended(first.session_id);
    const again = await app.submit(quick(), { ...key, traceparent: traceparentOf(true) });
    expect(again.trace_id).toBe(first.trace_id);
    const { spans } = await told();
    const repeat = spans.filter((span) => span.traceId === CALLER.traceId);
    expect(repeat).toMatchObject([
      { name: SPANS.submit, parentSpanId: CALLER.spanId, links: [{ traceId: first.trace_id }] },
    ]);
    new Trace(spans.filter((span) => span.traceId === first.trace_id)).expectWhole(undefined);
  });
});

it('a collector that refuses costs spans and nothing else, and is counted', async () => {
  await start();
  collector.status = 400;
  const { session_id } = await app.submit(quick());
  expect((await app.ended(session_id)).status).toBe('completed');
  const { recorded, failed, exported } = METRICS.tracing;
  const metrics = await eventually(
    async () => {
      const now = await scrape(app.url);
      return now.of(failed) > 0 && now.of(failed) === now.of(recorded) ? now : null;
    },
    { timeoutMs: 30_000, what: 'the spans were refused' },
  );
  expect(metrics.of(exported)).toBe(0);
});
