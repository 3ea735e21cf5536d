import type { Ledger } from '../world/ledger.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

/** A step of a plan runs when those that it follows are written down as done, and no sooner. */
export const checkOrder = (
  { snapshot, intents, written, history }: SessionHistory,
  ledger: Ledger,
  report: (promise: Finding['promise'], what: string) => void,
): void => {
  written.forEach(({ version }, i) => {
    const before = written[i - 1]?.version ?? 1;
    if (version !== before + 1)
      report('order', `${snapshot.session_id}: version ${version} was written after ${before}`);
  });
  const { plan } = snapshot.fixed.submission;
  if (plan === undefined) return;
  const answeredAt = new Map<string, number>();
  for (const { at, answered } of written) for (const id of answered) answeredAt.set(id, at);
  const intentOf = (step: string): string | undefined =>
    [...intents.values()].find(({ call }) => call === `step:${step}`)?.intent_id;
  const succeeded = new Set(
    history.flatMap((e) =>
      e.kind === 'observation' && e.outcome.status === 'succeeded' ? [e.intent_id] : [],
    ),
  );
  plan.steps.forEach((step, place) => {
    const above = plan.steps[place - 1];
    const follows = step.after ?? (above === undefined ? [] : [above.id]);
    const own = intentOf(step.id);
    const begun = ledger.runs.find(({ intentId }) => intentId === own)?.begunAt;
    if (own === undefined || begun === undefined) return;
    for (const earlier of follows) {
      const id = intentOf(earlier);
      const at = id === undefined ? undefined : answeredAt.get(id);
      if (id === undefined || at === undefined || at > begun || !succeeded.has(id))
        report('order', `${own} (${step.id}) was run before ${earlier} had succeeded`);
    }
  });
};
