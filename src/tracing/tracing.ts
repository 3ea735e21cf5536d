import type { Tracing } from '#telemetry';

/** What became of the spans of this process. */
export interface SpanCounts {
  recorded: number;
  exported: number;
  failed: number;
}

/** Tracing that somebody receives. */
export interface OpenTracing {
  tracing: Tracing;
  counts: Readonly<SpanCounts>;
  /** Sends what is left, for a few seconds at most. After everything that could tell a span has ended. */
  close(): Promise<void>;
}
