import { type HistoryEntry, isTerminal, type JsonObject, type PendingIntent } from '#contracts';
import { intentDigest } from '#idempotency';
import type { AnswerGiven } from '../workload/approver.js';
import { ASKING, isQuick } from '../workload/asking-tool.js';
import type { Ledger, ToolRun } from '../world/ledger.js';
import type { Finding } from './finding.js';
import type { SessionHistory } from './histories.js';

type Report = (promise: Finding['promise'], what: string) => void;
type Approved = Extract<HistoryEntry, { kind: 'approval' }>;

/** Nothing that a person is asked about runs before he has approved it, and each call has one answer. */
export const checkApprovals = (
  session: SessionHistory,
  ledger: Ledger,
  answers: readonly AnswerGiven[],
  report: Report,
): void => {
  const { snapshot, history } = session;
  const decided = history.filter((e): e is Approved => e.kind === 'approval');
  checkAnswers(session, decided, answers, report);
  if (isTerminal(snapshot.status)) checkHeld(session, report);
  for (const run of ledger.runs)
    if (run.sessionId === snapshot.session_id && isAsked(session, run))
      checkRun(session, run, decided, report);
};

/** When it has ended, each call that was held has an outcome, like any other. */
const checkHeld = ({ snapshot, history, held }: SessionHistory, report: Report): void => {
  const { session_id, status } = snapshot;
  if (snapshot.held !== undefined) report('approval', `${session_id} is ${status} and holds calls`);
  const answered = new Set(
    history.flatMap((e) => (e.kind === 'observation' || e.kind === 'resolution' ? [e.intent_id] : [])),
  );
  for (const id of held.keys())
    if (!answered.has(id)) report('one_outcome', `${session_id} is ${status} and ${id} has no outcome`);
};

const callOf = ({ intents, held }: SessionHistory, intentId: string): PendingIntent | undefined =>
  intents.get(intentId) ?? held.get(intentId);

/** Whether the plan, or the tool, wants a person asked. */
const isAsked = (session: SessionHistory, { intentId, tool, compensates, parameters }: ToolRun): boolean => {
  if (compensates !== undefined) return false;
  if (tool === ASKING && !isQuick(JSON.parse(parameters) as JsonObject)) return true;
  const step = callOf(session, intentId)?.call?.replace('step:', '');
  const plan = session.snapshot.fixed.submission.plan?.steps ?? [];
  return plan.some(({ id, approval }) => id === step && approval === true);
};

const stands = ({ refused }: Approved): boolean => refused === undefined;

/** What was approved is this tool with these parameters; a person who has it run once more needs no second approval. */
const checkRun = (
  session: SessionHistory,
  { intentId, tool, parameters, begunAt }: ToolRun,
  decided: readonly Approved[],
  report: Report,
): void => {
  const digest = intentDigest(tool, JSON.parse(parameters));
  const call = callOf(session, intentId)?.call;
  const approved = decided.filter(
    (e) =>
      stands(e) &&
      e.decision === 'approve' &&
      e.digest === digest &&
      (e.intent_id === intentId || callOf(session, e.intent_id)?.call === call),
  );
  const inTime = session.written.some(
    ({ at, approved: ids }) => at <= begunAt && approved.some(({ intent_id }) => ids.includes(intent_id)),
  );
  if (!inTime)
    report(
      'approval',
      `${intentId} (${tool}) was run ${approved.length === 0 ? 'and nobody approved it' : 'before it was approved'}`,
    );
};

/** The answer that was accepted is the one that counts. */
const checkAnswers = (
  { snapshot: { session_id, status }, history }: SessionHistory,
  decided: readonly Approved[],
  answers: readonly AnswerGiven[],
  report: Report,
): void => {
  const accepted = answers.filter((given) => given.sessionId === session_id && given.accepted);
  const byIntent = new Map(decided.map((e) => [e.intent_id, e]));
  for (const { intentId, by, decision, mistaken } of accepted) {
    const counts = byIntent.get(intentId);
    if (mistaken) report('approval', `${by} saw another call than ${intentId}, and was let answer`);
    else if (counts === undefined) {
      // it ended before the answer was applied
      if (!isTerminal(status)) report('approval', `${by} was let ${decision} ${intentId}, and that was lost`);
    } else if (counts.by !== by || counts.decision !== decision)
      report('approval', `${by} was let ${decision} ${intentId}; ${counts.by}: ${counts.decision} counts`);
  }
  for (const { intent_id, by } of decided)
    if (!answers.some((given) => given.intentId === intent_id && given.by === by && !given.mistaken))
      report('approval', `${by} answered for ${intent_id} and was never asked`);
  const rejected = new Set(
    decided.filter((e) => stands(e) && e.decision === 'reject').map((e) => e.intent_id),
  );
  for (const entry of history)
    if (
      entry.kind === 'observation' &&
      rejected.has(entry.intent_id) &&
      entry.outcome.error?.code !== 'approval_rejected'
    )
      report('approval', `${entry.intent_id} was rejected, and is ${entry.outcome.status}`);
};
