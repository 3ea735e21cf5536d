import type { PendingIntent } from '#contracts';
import type { Ledger } from '../world/ledger.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

/** A step runs when those that it follows are written down as done, and no sooner. */
export const checkOrder = (
  session: SessionHistory,
  ledger: Ledger,
  report: (promise: Finding['promise'], what: string) => void,
): void => {
  const { snapshot, written, history } = session;
  written.forEach(({ version }, i) => {
    const before = written[i - 1]?.version ?? 1;
    if (version !== before + 1)
      report('order', `${snapshot.session_id}: version ${version} was written after ${before}`);
  });
  const answeredAt = new Map<string, number>();
  for (const { at, answered } of written) for (const id of answered) answeredAt.set(id, at);
  const succeeded = new Set(
    history.flatMap((e) =>
      e.kind === 'observation' && e.outcome.status === 'succeeded' ? [e.intent_id] : [],
    ),
  );
  const begunAt = new Map<string, number>();
  for (const { intentId, begunAt: at } of ledger.runs) if (!begunAt.has(intentId)) begunAt.set(intentId, at);
  const follows = (of: PendingIntent, earlier: PendingIntent[], mayFail: boolean): void => {
    const begun = begunAt.get(of.intent_id);
    if (begun === undefined) return;
    const isDone = ({ intent_id }: PendingIntent): boolean =>
      (mayFail || succeeded.has(intent_id)) && (answeredAt.get(intent_id) ?? Infinity) <= begun;
    if (!earlier.some(isDone))
      report(
        'order',
        `${of.intent_id} was run before ${earlier[0]?.intent_id ?? 'what it follows'} was done`,
      );
  };
  if (snapshot.fixed.submission.plan === undefined) checkTurns(session, follows);
  else checkPlan(session, follows);
};

type Follows = (of: PendingIntent, earlier: PendingIntent[], mayFail: boolean) => void;

const checkPlan = ({ snapshot, intents }: SessionHistory, follows: Follows): void => {
  const steps = snapshot.fixed.submission.plan?.steps ?? [];
  // one that a person had run again has several
  const intentsOf = (step: string): PendingIntent[] =>
    [...intents.values()].filter(({ call }) => call === `step:${step}`);
  steps.forEach((step, place) => {
    const above = steps[place - 1];
    for (const earlier of step.after ?? (above === undefined ? [] : [above.id]))
      for (const intent of intentsOf(step.id)) follows(intent, intentsOf(earlier), false);
  });
};

/** A model thinks when all calls of its turn are answered; one that a person rejected never was an intent. */
const checkTurns = ({ intents, held }: SessionHistory, follows: Follows): void => {
  const all = [...new Map([...held, ...intents]).values()].filter(
    ({ compensates }) => compensates === undefined,
  );
  const turnOf = ({ call = '' }: PendingIntent): number => Number(/^call_(\d+)_/.exec(call)?.[1] ?? 0);
  for (const intent of all)
    for (const earlier of all)
      if (turnOf(earlier) < turnOf(intent))
        follows(
          intent,
          all.filter(({ call }) => call === earlier.call),
          true,
        );
};
