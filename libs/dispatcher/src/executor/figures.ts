import { OUTCOME_STATUSES, type OutcomeStatus, newSpanId, runSpanId } from '#contracts';
import { ATTRIBUTES, epochMs, Histograms, SPANS, type Tracing } from '#telemetry';
import type { IntentRun } from './intent.run.js';
import type { Verdict } from './verdict.js';

/** What became of the runs of each tool since the start. Tools are named as the catalogue has them. */
export class ToolFigures {
  /** of single runs, in seconds */
  readonly durations = new Histograms();
  private readonly byTool = new Map<string, Record<OutcomeStatus, number>>();

  /** An outcome of an intent was recorded and published. */
  ended({ tool }: IntentRun, status: OutcomeStatus): void {
    // whatever name an intent has made up is none of a tool
    const name = tool?.spec.name ?? '';
    let outcomes = this.byTool.get(name);
    if (outcomes === undefined) {
      outcomes = { succeeded: 0, failed: 0, unknown: 0, cancelled: 0 };
      this.byTool.set(name, outcomes);
    }
    outcomes[status]++;
  }

  /** How many outcomes of each status; the tool's name is empty where there was none of that name. */
  *outcomes(): Iterable<{ tool: string; status: OutcomeStatus; count: number }> {
    for (const [tool, outcomes] of this.byTool)
      for (const status of OUTCOME_STATUSES) yield { tool, status, count: outcomes[status] };
  }
}

const errorOf = (verdict: Verdict): string | undefined =>
  verdict.kind === 'given_back' ? 'given back' : (verdict.error?.message ?? undefined);

/** Tells of a run that is over. @param attempt its number */
export const traceRun = (tracing: Tracing, run: IntentRun, attempt: number, verdict: Verdict): void => {
  const { intent, tool, effect, begunAt } = run;
  if (tool === undefined || begunAt === undefined) return;
  const now = performance.now();
  tracing.record({
    name: SPANS.run(tool.spec.name),
    kind: 'consumer',
    traceId: intent.traceId,
    // what is given back runs again under the same number
    spanId: verdict.kind === 'given_back' ? newSpanId() : runSpanId(intent.intentId, attempt),
    parentSpanId: intent.parentSpanId,
    sampled: intent.trace?.sampled !== false,
    startMs: epochMs(Math.min(begunAt, now)),
    endMs: epochMs(now),
    attributes: {
      [ATTRIBUTES.sessionId]: intent.sessionId,
      [ATTRIBUTES.intentId]: intent.intentId,
      [ATTRIBUTES.tool]: tool.spec.name,
      [ATTRIBUTES.effect]: effect,
      [ATTRIBUTES.attempt]: attempt,
      [ATTRIBUTES.verdict]: verdict.kind === 'ended' ? verdict.status : verdict.kind,
      [ATTRIBUTES.error]: verdict.kind === 'given_back' ? undefined : verdict.error?.code,
    },
    error: errorOf(verdict),
  });
};
