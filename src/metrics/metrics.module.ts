import { Module } from '@nestjs/common';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';

/** `GET /metrics`, in a process of any role. */
@Module({ controllers: [MetricsController], providers: [Metrics] })
export class MetricsModule {}
