export { DURATION_BOUNDS, Histogram, Histograms, LIFETIME_BOUNDS } from './histogram.js';
export { ATTRIBUTES, LABELS, METRICS, SPANS } from './names.js';
export { publishTraced } from './publish-span.js';
export { epochMs, type SpanFacts, toldError, Tracing } from './tracing.js';
