import { expect } from '@jest/globals';
import { type Submission } from '#contracts';
import { ATTRIBUTES, SPANS } from '#telemetry';
import type { ReceivedSpan } from '#testing';

export const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
export const traceparentOf = (sampled: boolean): string =>
  `00-${CALLER.traceId}-${CALLER.spanId}-${sampled ? '01' : '00'}`;

/** Fails once, sleeps, runs two tools side by side, joins them. */
export const TRACED: Submission = {
  plan: {
    steps: [
      { id: 'shaky', tool: 'flaky', parameters: { failures: 1 } },
      { id: 'nap', tool: 'wait', parameters: { ms: 400 } },
      { id: 'left', tool: 'flaky', parameters: { failures: 0 }, after: ['nap'] },
      { id: 'right', tool: 'flaky', parameters: { failures: 0 }, after: ['nap'] },
      { id: 'last', tool: 'flaky', parameters: { failures: 0 }, after: ['left', 'right'] },
    ],
  },
};

/** The spans of a session's trace, and how they hang together. */
export class Trace {
  private readonly byId = new Map<string, ReceivedSpan>();

  constructor(readonly spans: readonly ReceivedSpan[]) {
    for (const span of spans) this.byId.set(span.spanId, span);
  }

  named(name: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  only(name: string): ReceivedSpan {
    const found = this.named(name);
    expect({ name, count: found.length }).toEqual({ name, count: 1 });
    return found[0] as ReceivedSpan;
  }

  /** From this one up to where the trace begins. */
  wayUp(span: ReceivedSpan): string[] {
    const names: string[] = [];
    for (let at: ReceivedSpan | undefined = span; at !== undefined; at = this.byId.get(at.parentSpanId ?? ''))
      names.push(at.name);
    return names;
  }

  /** One trace, each span once, each below one that is there; the first one below the caller. */
  expectWhole(parentOfFirst: string | undefined): void {
    expect(new Set(this.spans.map((span) => span.traceId)).size).toBe(1);
    expect(this.byId.size).toBe(this.spans.length);
    for (const span of this.spans) {
      if (span.name === SPANS.submit) expect(span.parentSpanId).toBe(parentOfFirst);
      else
        expect({ name: span.name, parent: this.byId.get(span.parentSpanId ?? '')?.name }).toEqual({
          name: span.name,
          parent: expect.any(String),
        });
    }
  }
}

/** What {@link TRACED} must leave behind, whichever processes ran it. */
export const expectTraced = (trace: Trace, parentOfFirst: string | undefined): void => {
  trace.expectWhole(parentOfFirst);
  trace.only(SPANS.submit);
  // one step for the beginning, one for each result
  const steps = trace.named(SPANS.step);
  expect(steps).toHaveLength(6);
  for (const part of [SPANS.think, SPANS.commit]) expect(trace.named(part)).toHaveLength(steps.length);

  const runs = trace.named(SPANS.run('flaky'));
  expect(runs.map((run) => [run.attributes[ATTRIBUTES.attempt], run.failed]).sort()).toEqual([
    [1, false],
    [1, false],
    [1, false],
    [1, true],
    [2, false],
  ]);
  for (const run of runs)
    expect(run.attributes).toMatchObject({ [ATTRIBUTES.tool]: 'flaky', [ATTRIBUTES.effect]: 'idempotent' });

  // what failed led to another run, not to a step
  const failed = runs.filter((run) => run.failed).map(({ spanId }) => spanId);
  for (const span of trace.spans) expect(failed).not.toContain(span.parentSpanId);

  const last = steps.filter((step) => step.attributes[ATTRIBUTES.status] === 'completed');
  expect(last).toHaveLength(1);
  const way = trace.wayUp(last[0] as ReceivedSpan);
  expect(way).toEqual([
    SPANS.step,
    SPANS.run('flaky'),
    SPANS.step,
    SPANS.run('flaky'),
    SPANS.step,
    SPANS.run('wait'),
    SPANS.step,
    SPANS.run('flaky'),
    SPANS.step,
    SPANS.submit,
  ]);

  // while it slept, nothing was open: every span ended before the sleep's end, or began after its begin
  const nap = trace.only(SPANS.run('wait'));
  const asleep = steps.find((step) => step.spanId === nap.parentSpanId) as ReceivedSpan;
  for (const span of trace.spans)
    expect({
      name: span.name,
      spansTheSleep: span.startMs <= asleep.endMs && span.endMs >= nap.endMs,
    }).toEqual({
      name: span.name,
      spansTheSleep: false,
    });
};
