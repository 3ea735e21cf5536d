import { Logger } from '@nestjs/common';
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ATTRIBUTES, type SpanFacts, Tracing } from '#telemetry';
import type { Settings } from '../config/index.js';
import { instanceOf } from '../identity.js';
import { VERSION } from '../version.js';
import { ChosenIds } from './chosen-ids.js';
import { CountedExporter } from './counted-exporter.js';
import type { OpenTracing } from './tracing.js';

const SERVICE = 'dormouse';
/** One attempt to send a batch; a collector that is away must not hold up the end of the process for longer. */
const EXPORT_TIMEOUT_MS = 5_000;
/** A busy process makes thousands of spans a second: more of them in one request, and more until it is answered. */
const QUEUE = 16_384;
const BATCH = 2_048;

const KINDS: Record<SpanFacts['kind'], SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** OpenTelemetry's own form: a number of milliseconds could be taken for one of the monotonic clock. */
const timeOf = (ms: number): [seconds: number, nanoseconds: number] => {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1_000) * 1e6))];
};

const queueSizes = (environment: NodeJS.ProcessEnv) => ({
  ...(environment.OTEL_BSP_MAX_QUEUE_SIZE === undefined ? { maxQueueSize: QUEUE } : {}),
  ...(environment.OTEL_BSP_MAX_EXPORT_BATCH_SIZE === undefined ? { maxExportBatchSize: BATCH } : {}),
});

/**
 * Sends spans by OTLP over HTTP (JSON), in batches. Its other settings are OpenTelemetry's own variables: OTEL_TRACES_SAMPLER,
 * OTEL_EXPORTER_OTLP_HEADERS, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_* and so on.
 */
export class OtlpTracing extends Tracing implements OpenTracing {
  readonly tracing = this;
  readonly counts = { recorded: 0, exported: 0, failed: 0 };
  private readonly ids = new ChosenIds();
  private readonly provider: BasicTracerProvider;
  private readonly tracer;

  private constructor(endpoint: string, attributes: Record<string, string | string[]>) {
    super();
    const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
    const counted = new CountedExporter(exporter, this.counts, url, new Logger('Tracing'));
    this.provider = new BasicTracerProvider({
      // what the environment says goes before what we would
      resource: resourceFromAttributes(attributes).merge(detectResources({ detectors: [envDetector] })),
      idGenerator: this.ids,
      spanProcessors: [new BatchSpanProcessor(counted, queueSizes(process.env))],
    });
    this.tracer = this.provider.getTracer(SERVICE, VERSION);
  }

  static open(endpoint: string, settings: Settings): OtlpTracing {
    return new OtlpTracing(endpoint, {
      'service.name': SERVICE,
      'service.version': VERSION,
      'service.instance.id': instanceOf(settings),
      [ATTRIBUTES.roles]: [...settings.process.roles],
    });
  }

  /** Asks the sampler by beginning a span, which never ends and so is never sent. */
  samples(traceId: string): boolean {
    const span = this.ids.during({ traceId }, () => this.tracer.startSpan('', { root: true }, ROOT_CONTEXT));
    return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  record(facts: SpanFacts): void {
    const { traceId, spanId, parentSpanId, name, kind, sampled, startMs, endMs, attributes, error } = facts;
    if (parentSpanId === undefined && !sampled) return;
    const options = {
      kind: KINDS[kind],
      startTime: timeOf(startMs),
      attributes,
      links: (facts.links ?? []).map((link) => ({
        context: { traceId: link.traceId, spanId: link.spanId, traceFlags: TraceFlags.SAMPLED },
      })),
    };
    const span = this.ids.during({ traceId, spanId }, () =>
      this.tracer.startSpan(name, options, parentOf(facts)),
    );
    if (!span.isRecording()) return;
    this.counts.recorded++;
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    span.end(timeOf(Math.max(startMs, endMs)));
  }

  async close(): Promise<void> {
    // what can't be sent was counted and told
    await this.provider.shutdown().catch(() => undefined);
  }
}

const parentOf = ({ traceId, parentSpanId, sampled }: SpanFacts): Context =>
  parentSpanId === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, {
        traceId,
        spanId: parentSpanId,
        traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
      });
