import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';

/** Ids that somebody chose for the span that is being made, and random ones otherwise. */
export class ChosenIds implements IdGenerator {
  private readonly random = new RandomIdGenerator();
  private chosen: { traceId?: string; spanId?: string } = {};

  /** What `make` makes, before it returns, gets these ids. */
  during<T>(ids: { traceId?: string; spanId?: string }, make: () => T): T {
    this.chosen = ids;
    try {
      return make();
    } finally {
      this.chosen = {};
    }
  }

  generateTraceId(): string {
    return this.chosen.traceId ?? this.random.generateTraceId();
  }

  generateSpanId(): string {
    return this.chosen.spanId ?? this.random.generateSpanId();
  }
}
