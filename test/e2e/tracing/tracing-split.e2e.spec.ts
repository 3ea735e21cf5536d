import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CloudEvent, readTraceparent, type SessionView } from '#contracts';
import { METRICS } from '#telemetry';
import { eventually, freshName, OtlpReceiver, RuntimeProcess } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { createKafkaTransport, decodeEvent } from '#transport';
import { scrape } from '../http/prometheus.js';
import { freshNames, sharedServers } from '../on-servers.js';
import { CALLER, expectTraced, Trace, TRACED, traceparentOf } from './trace.js';

const names = freshNames();
const processes: RuntimeProcess[] = [];
let servers: Awaited<ReturnType<typeof sharedServers>>;
let collector: OtlpReceiver;
let front: RuntimeProcess;
let worker: RuntimeProcess;

const start = async (roles: string): Promise<RuntimeProcess> => {
  const runtime = await RuntimeProcess.create({
    ...servers,
    ...names,
    DORMOUSE_TOOLS: './test/e2e/http/flaky-tools.mjs',
    DORMOUSE_ROLES: roles,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_RESOURCE_ATTRIBUTES: `test.roles=${roles.replaceAll(',', '+')}`,
  });
  processes.push(runtime);
  await runtime.start();
  return runtime;
};

beforeAll(async () => {
  servers = await sharedServers();
  collector = await OtlpReceiver.start();
  [front, worker] = await Promise.all([start('api,commander,scheduler'), start('dispatcher')]);
}, SERVER_START_MS);
afterAll(async () => {
  await Promise.all(processes.map((process) => process.remove()));
  await collector.stop();
});

/** The first `count` events of a topic. */
const eventsOf = async (topic: string, count: number): Promise<CloudEvent[]> => {
  const transport = await createKafkaTransport({
    brokers: servers.KAFKA_BROKERS.split(','),
    clientId: 'reader',
  });
  const events: CloudEvent[] = [];
  try {
    await transport.start([{ topic, partitions: Number(names.DORMOUSE_PARTITIONS) }]);
    const subscription = await transport.subscribe(topic, freshName('reader'), {
      assigned: () => undefined,
      lost: () => undefined,
      failed: () => undefined,
      records: (_partition, records) => {
        for (const record of records) {
          const { event } = decodeEvent(record);
          if (event !== undefined) events.push(event);
        }
      },
    });
    await eventually(() => events.length >= count, {
      timeoutMs: 60_000,
      what: `${count} events of ${topic}`,
    });
    await subscription.close();
    return events;
  } finally {
    await transport.close();
  }
};

const session = async (id: string): Promise<SessionView> =>
  (await (await fetch(`${front.url}/v1/sessions/${id}`)).json()) as SessionView;

describe('on Kafka and Redis, split in two processes', () => {
  let trace: Trace;

  it('a session is one trace, which both of them tell', async () => {
    const response = await fetch(`${front.url}/v1/sessions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        traceparent: traceparentOf(true),
        tracestate: 'vendor=1',
      },
      body: JSON.stringify(TRACED),
    });
    const { session_id } = (await response.json()) as SessionView;
    await eventually(async () => (await session(session_id)).status === 'completed', { timeoutMs: 60_000 });

    for (const [url, own] of [
      [front.url, METRICS.step.committed],
      [worker.url, METRICS.tool.retries],
    ] as const) {
      const metrics = await scrape(url);
      expect(metrics.of(own)).toBeGreaterThan(0);
      expect(metrics.has(METRICS.consumer.lag)).toBe(true);
    }
    expect((await scrape(worker.url)).has(METRICS.step.committed)).toBe(false);

    for (const process of processes) expect(await process.end('SIGTERM')).toBe(0);
    trace = new Trace(collector.spans);
    expectTraced(trace, CALLER.spanId);
    expect(trace.spans[0]?.traceId).toBe(CALLER.traceId);
    expect(new Set(trace.spans.map(({ resource }) => resource['test.roles']))).toEqual(
      new Set(['api+commander+scheduler', 'dispatcher']),
    );
  });

  it('every event in the log names a span of the trace, and carries its state', async () => {
    // five intents, one of them twice: the nap is published again when it is due; and the end's own record
    const intents = await eventsOf(names.DORMOUSE_TOPIC_INTENT, 6);
    const observations = await eventsOf(names.DORMOUSE_TOPIC_OBSERVATION, 6);
    const spans = new Set(trace.spans.map(({ spanId }) => spanId));
    for (const { type, traceparent, tracestate } of [...intents, ...observations]) {
      const parent = readTraceparent(traceparent);
      expect({ type, trace: parent?.traceId, known: spans.has(parent?.spanId ?? ''), tracestate }).toEqual({
        type,
        trace: CALLER.traceId,
        known: true,
        tracestate: 'vendor=1',
      });
    }
  });
});
