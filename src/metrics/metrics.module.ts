import { type DynamicModule, Module } from '@nestjs/common';
import { COUNTED_ELSEWHERE, type CountedElsewhere, Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';

/** `GET /metrics`, in a process of any role. */
@Module({})
export class MetricsModule {
  static forRoot(elsewhere: CountedElsewhere): DynamicModule {
    return {
      module: MetricsModule,
      controllers: [MetricsController],
      providers: [Metrics, { provide: COUNTED_ELSEWHERE, useValue: elsewhere }],
    };
  }
}
