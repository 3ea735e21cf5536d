/*
 * The trace of a session, as W3C trace context has it: https://www.w3.org/TR/trace-context/
 *
 * A span's id follows from what the span stands for, not from chance: whoever builds an event again (a redelivered step,
 * the sweeper in another process) names the same parent, and nothing about spans has to be kept.
 */

const BASES = [0x811c9dc5, 0x2f0b4a27] as const;
const PRIMES = [0x01000193, 0x01a2d6b5] as const;

/** Spreads what the last characters changed over all 32 bits. */
const spread = (bits: number): number => {
  let mixed = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) >>> 0;
};

const hex32 = (bits: number): string => bits.toString(16).padStart(8, '0');

/** The span id that stands for a name: 16 hex digits, never all zeros. A checksum, nothing secret: one per event is made. */
export const spanIdOf = (name: string): string => {
  let [high, low]: [number, number] = [BASES[0], BASES[1]];
  for (let i = 0; i < name.length; i++) {
    const char = name.charCodeAt(i);
    high = Math.imul(high ^ char, PRIMES[0]);
    low = Math.imul(low ^ char, PRIMES[1]);
  }
  const first = spread(high);
  const second = spread(low ^ first);
  return first === 0 && second === 0 ? '0000000000000001' : hex32(first) + hex32(second);
};

/** The request that led to an event which it published itself (`session_created`, `cancel`, …). */
export const requestSpanId = (eventId: string): string => spanIdOf(eventId);
/** The step of a session at which the brain had decided so often; the parent of the intents that it emitted. */
export const stepSpanId = (sessionId: string, step: number): string => spanIdOf(`${sessionId}.${step}`);
/** A step without a decision, by the version that it wrote. */
export const commitSpanId = (sessionId: string, version: number): string =>
  spanIdOf(`${sessionId}.v${version}`);
/** One run of an intent's tool; the last one is the parent of the observation. */
export const runSpanId = (intentId: string, attempt: number): string =>
  spanIdOf(`${intentId}.run.${attempt}`);

/** What travels with a trace beside its id. Absent: sampled, without a state. */
export interface TraceCarry {
  /** false: whoever began the trace doesn't record it, so nobody does */
  sampled?: false;
  /** W3C tracestate, as it came */
  state?: string;
}

/** A parsed traceparent. */
export interface TraceParent {
  traceId: string;
  spanId: string;
  sampled: boolean;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** What a `traceparent` says; undefined when it is none or broken: then it is ignored, as the recommendation asks. */
export const readTraceparent = (text: unknown): TraceParent | undefined => {
  const [, traceId, spanId, flags] = (typeof text === 'string' ? TRACEPARENT.exec(text) : null) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
};

export const traceparent = (traceId: string, spanId: string, sampled = true): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** @param state W3C tracestate; undefined: none */
export const carryOf = (sampled: boolean, state: string | undefined): TraceCarry | undefined =>
  sampled && state === undefined
    ? undefined
    : { ...(sampled ? {} : { sampled }), ...(state === undefined ? {} : { state }) };
