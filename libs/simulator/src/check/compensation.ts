import { isTerminal } from '#contracts';
import type { Ledger } from '../world/ledger.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

/** What was done is undone, or stands for a person to see; nothing is undone that nobody asked to. */
export const checkCompensation = (
  { snapshot, intents, history, timeline }: SessionHistory,
  ledger: Ledger,
  undoable: ReadonlySet<string>,
  report: (promise: Finding['promise'], what: string) => void,
): void => {
  const { status, session_id, fixed } = snapshot;
  const { plan, saga } = fixed.submission;
  if (plan === undefined || !isTerminal(status)) return;
  const all = [...intents.values()];
  const undoing = all.filter(({ compensates }) => compensates !== undefined);
  if (status === 'completed') {
    if (undoing.length > 0)
      report('compensation', `${session_id} is completed and undid ${undoing.length} steps`);
    for (const { id } of plan.steps) {
      const intent = all.find(({ call }) => call === `step:${id}`);
      const outcome = history.find((e) => e.kind === 'observation' && e.intent_id === intent?.intent_id);
      if (outcome?.kind !== 'observation' || outcome.outcome.status !== 'succeeded')
        report('compensation', `${session_id} is completed, and ${id} didn't succeed`);
    }
    return;
  }
  const cancels = timeline.some(
    ({ type, payload }) =>
      type === 'observation' && payload['type'] === 'cancel' && payload['compensate'] === true,
  );
  // a cancel that asks for no undoing leaves what was done, of a saga as well
  const asked = cancels || (saga === true && status !== 'cancelled');
  if (!asked && saga !== true && undoing.length > 0)
    report('compensation', `${session_id} undid what nobody asked it to`);
  if (!asked) return;
  const succeeded = new Set(
    history.flatMap((e) =>
      e.kind === 'observation' && e.outcome.status === 'succeeded' ? [e.intent_id] : [],
    ),
  );
  const done = plan.steps.filter((step) => {
    const intent = all.find(({ call }) => call === `step:${step.id}`);
    const canBeUndone = step.compensation !== undefined || undoable.has(step.tool);
    return intent !== undefined && canBeUndone && ledger.countOf(intent.intent_id) > 0;
  });
  for (const step of done) {
    const intent = all.find(({ call }) => call === `step:${step.id}`);
    const undone = undoing.filter(
      ({ intent_id, compensates }) => compensates === intent?.intent_id && succeeded.has(intent_id),
    ).length;
    if (undone > 1) report('compensation', `${session_id}: ${step.id} was undone ${undone} times`);
    if (undone === 0 && step.on_compensation_failure !== 'skip')
      report('compensation', `${session_id} is ${status}; ${step.id} was done and is not undone`);
  }
};
