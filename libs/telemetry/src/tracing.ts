/** Something that was done, and where it stands in its trace. */
export interface SpanFacts {
  name: string;
  kind: 'internal' | 'server' | 'producer' | 'consumer';
  /** W3C: 32 and 16 hex digits */
  traceId: string;
  spanId: string;
  /** undefined: the trace begins here */
  parentSpanId: string | undefined;
  /** false: whoever began the trace doesn't record it */
  sampled: boolean;
  /** ms since the epoch, with fractions */
  startMs: number;
  endMs: number;
  attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  /** why it failed */
  error?: string | undefined;
  /** spans of other traces that belong to it */
  links?: readonly { traceId: string; spanId: string }[];
}

/**
 * Where finished spans go. A span is told when it is over, with its times: nothing is open while something runs or
 * sleeps. Whoever may do without tracing holds `undefined` in its place and does nothing then.
 */
export abstract class Tracing {
  /** Whether a trace that begins here is to be recorded. Everybody else in it does as this says. */
  abstract samples(traceId: string): boolean;
  /** Returns at once and never throws. */
  abstract record(span: SpanFacts): void;
}

/** An error as a span tells it; undefined: there was none. */
export const toldError = (error: unknown): string | undefined => {
  if (error === undefined) return undefined;
  return error instanceof Error ? error.message : 'an error that is no Error';
};

/** Beyond it the two clocks have drifted apart or somebody set one of them. */
const MOST_DRIFT_MS = 20;
let origin = performance.timeOrigin;

/** The time at which the monotonic clock (`performance.now()`) showed this, in ms since the epoch. */
export const epochMs = (monotonicMs: number): number => {
  const drift = Date.now() - (origin + performance.now());
  if (Math.abs(drift) > MOST_DRIFT_MS) origin += drift;
  return origin + monotonicMs;
};
