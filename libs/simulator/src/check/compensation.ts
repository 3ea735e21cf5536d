import { isTerminal, type PendingIntent } from '#contracts';
import type { Ledger } from '../world/ledger.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

type Report = (promise: Finding['promise'], what: string) => void;

/** What was done is undone once, or stands for a person to see; nothing is undone that nobody asked to. */
export const checkCompensation = (
  session: SessionHistory,
  ledger: Ledger,
  undoable: ReadonlySet<string>,
  report: Report,
): void => {
  const { snapshot, intents } = session;
  const { status, session_id } = snapshot;
  if (!isTerminal(status)) return;
  const undoing = [...intents.values()].filter(({ compensates }) => compensates !== undefined);
  if (status === 'completed') {
    if (undoing.length > 0)
      report('compensation', `${session_id} is completed and undid ${undoing.length} steps`);
    checkComplete(session, report);
    return;
  }
  const { saga } = snapshot.fixed.submission;
  // a cancel that asks for no undoing leaves what was done, of a saga as well
  const asked = isCancelledWithUndoing(session) || (saga === true && status !== 'cancelled');
  if (!asked && saga !== true && undoing.length > 0)
    report('compensation', `${session_id} undid what nobody asked it to`);
  if (asked) checkUndone(session, undoing, ledger, undoable, report);
};

const succeededOf = ({ history }: SessionHistory): Set<string> =>
  new Set(
    history.flatMap((e) =>
      e.kind === 'observation' && e.outcome.status === 'succeeded' ? [e.intent_id] : [],
    ),
  );

const checkComplete = (session: SessionHistory, report: Report): void => {
  const { snapshot, intents } = session;
  const succeeded = succeededOf(session);
  for (const { id } of snapshot.fixed.submission.plan?.steps ?? [])
    if (![...intents.values()].some((i) => i.call === `step:${id}` && succeeded.has(i.intent_id)))
      report('compensation', `${snapshot.session_id} is completed, and ${id} didn't succeed`);
};

const isCancelledWithUndoing = ({ timeline }: SessionHistory): boolean =>
  timeline.some(
    ({ type, payload }) =>
      type === 'observation' && payload['type'] === 'cancel' && payload['compensate'] === true,
  );

const checkUndone = (
  session: SessionHistory,
  undoing: readonly PendingIntent[],
  ledger: Ledger,
  undoable: ReadonlySet<string>,
  report: Report,
): void => {
  const { snapshot, intents, history } = session;
  const steps = new Map(snapshot.fixed.submission.plan?.steps.map((step) => [`step:${step.id}`, step]));
  const succeeded = succeededOf(session);
  // a person said that it can't be undone
  const givenUp = new Set(
    history.flatMap((e) => (e.kind === 'resolution' && e.outcome === 'failed' ? [e.intent_id] : [])),
  );
  for (const intent of intents.values()) {
    const step = steps.get(intent.call ?? '');
    const canBeUndone =
      intent.compensates === undefined && (step?.compensation !== undefined || undoable.has(intent.tool));
    if (!canBeUndone || !wasDone(intent, succeeded, ledger)) continue;
    const own = undoing.filter(({ compensates }) => compensates === intent.intent_id);
    const times = own.filter(({ intent_id }) => succeeded.has(intent_id)).length;
    const told = `${snapshot.session_id} is ${snapshot.status}; ${intent.intent_id} (${intent.tool}) was done`;
    if (times > 1) report('compensation', `${told}, and undone ${times} times`);
    const forgone =
      step?.on_compensation_failure === 'skip' || own.some(({ intent_id }) => givenUp.has(intent_id));
    if (times === 0 && !forgone) report('compensation', `${told}, and is not undone`);
  }
};

/** What a frozen process does after the deadline, when a person has said that it wasn't done, nobody can undo. */
const wasDone = (
  { intent_id, deadline_at }: PendingIntent,
  succeeded: ReadonlySet<string>,
  ledger: Ledger,
): boolean =>
  (ledger.effects.get(intent_id) ?? []).some((at) => at <= deadline_at || succeeded.has(intent_id));
