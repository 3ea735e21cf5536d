import type { LoggerService } from '@nestjs/common';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { SpanCounts } from './tracing.js';

/** A collector that is away fails every batch. */
const WARN_EVERY_MS = 60_000;

/** Counts what was sent and what was not, and says so now and then. */
export class CountedExporter implements SpanExporter {
  private warnedAt = -Infinity;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly counts: SpanCounts,
    private readonly place: string,
    private readonly logger: Pick<LoggerService, 'warn'>,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) this.counts.exported += spans.length;
      else {
        this.counts.failed += spans.length;
        this.warn(result.error);
      }
      done(result);
    });
  }

  async shutdown(): Promise<void> {
    await this.exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.exporter.forceFlush?.();
  }

  private warn(error: Error | undefined): void {
    const now = performance.now();
    if (now - this.warnedAt < WARN_EVERY_MS) return;
    this.warnedAt = now;
    this.logger.warn(
      `spans could not be sent to ${this.place} and are lost: ${error?.message ?? 'no reason given'}; is a collector there (OTEL_EXPORTER_OTLP_ENDPOINT)?`,
    );
  }
}
