import { type DynamicModule, Module } from '@nestjs/common';
import type { SpanCounts } from '../tracing/tracing.js';
import { Metrics, SPAN_COUNTS } from './metrics.js';
import { MetricsController } from './metrics.controller.js';

/** `GET /metrics`, in a process of any role. */
@Module({})
export class MetricsModule {
  /** @param spans undefined: there is no tracing */
  static forRoot(spans: Readonly<SpanCounts> | undefined): DynamicModule {
    return {
      module: MetricsModule,
      controllers: [MetricsController],
      providers: [Metrics, { provide: SPAN_COUNTS, useValue: spans ?? null }],
    };
  }
}
