import { METRICS } from '#telemetry';
import type { SpanCounts } from '../tracing/tracing.js';
import { type Definition, single } from './definition.js';

const NAMES = METRICS.tracing;

/** What became of spans. Recorded and neither exported nor failed: on their way, or dropped by a full queue. */
export const tracingMetrics = (counts: Readonly<SpanCounts>): Definition[] => [
  single('counter', NAMES.recorded, 'Spans made', () => counts.recorded),
  single('counter', NAMES.exported, 'Spans that a collector took', () => counts.exported),
  single('counter', NAMES.failed, 'Spans that no collector took', () => counts.failed),
];
